import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { findIn, messages } from "./fixture.ts";
import { settings } from "./settings.ts";

describe("settings", () => {
  test("default: config.ts and tests may read the environment", async () => {
    const findings = await findIn(settings, {
      "services/market/config.ts": `export const environment = 1; export const raw = process.env;`,
      "services/market/api/app.test.ts": `const url = process.env["URL"];`,
      "services/market/api/app.ts": `export const stop = () => process.exit(1);`,
    });
    assert.deepEqual(findings, []);
  });

  const reads = [
    `export const url = process.env["URL"];`,
    `export const url = process["env"].URL;`,
    `export const url = globalThis.process.env.URL;`,
    `import { env } from "node:process";`,
    `const { env } = process;`,
  ];
  for (const text of reads) {
    test(`behavior: refuses ${text}`, async () => {
      const findings = await findIn(settings, { "services/market/api/app.ts": text });
      assert.match(messages(findings), /outside config.ts/);
    });
  }

  test("behavior: a config.ts must export its schema", async () => {
    const text = `export const home = process.env["HOME"];`;
    const findings = await findIn(settings, { "services/cli/config.ts": text });
    assert.match(messages(findings), /exports no `environment`/);
  });

  test("behavior: config.ts of a folder below is no config.ts of the package", async () => {
    const text = `export const environment = process.env;`;
    const findings = await findIn(settings, { "services/cli/home/config.ts": text });
    assert.match(messages(findings), /outside config.ts/);
  });
});
