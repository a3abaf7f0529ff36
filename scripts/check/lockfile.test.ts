import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { findIn, messages } from "./fixture.ts";
import { lockfile } from "./lockfile.ts";

const tree = (packages: Record<string, object>, manifest: object = {}): Record<string, string> => ({
  "package.json": JSON.stringify(manifest),
  "package-lock.json": JSON.stringify({ packages: { "": manifest, ...packages } }),
});

describe("lockfile", () => {
  test("default: complete, from the public registry, agreeing with the manifests", async () => {
    const service = { dependencies: { fast: "1.0.0" } };
    const findings = await findIn(lockfile, {
      ...tree({
        "services/a": service,
        "node_modules/@assay/a": { resolved: "services/a", link: true },
        "node_modules/fast": {
          optionalDependencies: { "fast-linux": "1.0.0", "fast-mac": "1.0.0" },
        },
        "node_modules/fast/node_modules/fast-linux": {},
        "node_modules/fast-mac": {
          resolved: "https://registry.npmjs.org/fast-mac/-/fast-mac-1.0.0.tgz",
        },
      }),
      "services/a/package.json": JSON.stringify(service),
    });
    assert.deepEqual(findings, []);
  });

  test("behavior: refuses a lockfile without a platform's binary", async () => {
    const files = tree({ "node_modules/fast": { optionalDependencies: { "fast-mac": "1.0.0" } } });
    assert.match(messages(await findIn(lockfile, files)), /lacks its optional fast-mac/);
  });

  test("behavior: refuses another registry", async () => {
    const files = tree({ "node_modules/a": { resolved: "https://npm.example.com/a.tgz" } });
    assert.match(messages(await findIn(lockfile, files)), /comes from https:\/\/npm.example.com/);
  });

  test("behavior: refuses a lockfile that a manifest has left behind", async () => {
    const files = {
      ...tree({ "services/a": {} }),
      "services/a/package.json": JSON.stringify({ dependencies: { late: "1.0.0" } }),
    };
    assert.match(messages(await findIn(lockfile, files)), /services\/a\/package.json/);
  });
});
