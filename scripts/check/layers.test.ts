import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { findIn, messages } from "./fixture.ts";
import { layers } from "./layers.ts";

const manifest = (...names: string[]): string =>
  JSON.stringify({ dependencies: Object.fromEntries(names.map((name) => [name, "1.0.0"])) });

describe("layers", () => {
  test("default: lower layers, own files and declared packages may be imported", async () => {
    const findings = await findIn(layers, {
      "services/market/package.json": manifest("@assay/protocol", "@assay/engine", "fastify"),
      "services/market/api/app.ts": `
        import { readFile } from "node:fs/promises";
        import fastify from "fastify";
        import { a } from "@assay/protocol/errors";
        import { b } from "../queue/tasks.ts";
        export { c } from "@assay/engine/ir/types";
        const d = await import("@assay/engine/ir/check");
      `,
      "services/market/api/app.test.ts": `
        import fc from "fast-check";
        import { deploy } from "../../../test/support/chain.ts";
      `,
      "scripts/demo/demo.ts": `import { up } from "@assay/cli/local/up"; import { z } from "zod";`,
    });
    assert.deepEqual(findings, []);
  });

  const violations: [string, Record<string, string>, RegExp][] = [
    [
      "a package of the same layer",
      {
        "services/provider/package.json": manifest("@assay/market"),
        "services/provider/agent.ts": `import { b } from "@assay/market/api/app";`,
      },
      /provider \(layer 2\) may import only lower layers/,
    ],
    [
      "a higher layer, by a dynamic import",
      {
        "services/engine/package.json": manifest("@assay/cli"),
        "services/engine/ir/types.ts": `export const load = () => import("@assay/cli/main");`,
      },
      /imports @assay\/cli \(layer 3\)/,
    ],
    [
      "a higher layer, by an import type",
      {
        "services/protocol/package.json": manifest("@assay/sdk"),
        "services/protocol/a.ts": `export type A = import("@assay/sdk/client").Client;`,
      },
      /imports @assay\/sdk/,
    ],
    [
      "from the sdk, anything but the protocol",
      {
        "services/sdk/package.json": manifest("@assay/runtime"),
        "services/sdk/client.ts": `export * from "@assay/runtime/logger";`,
      },
      /sdk may import only protocol/,
    ],
    [
      "Node modules in code for browsers",
      { "services/protocol/a.ts": `import { createHash } from "node:crypto";` },
      /also runs in browsers/,
    ],
    [
      "an undeclared package",
      { "services/runtime/logger.ts": `import pino from "pino";` },
      /services\/runtime\/package.json does not declare/,
    ],
    [
      "an undeclared package in a script",
      { "scripts/demo/demo.ts": `import kleur from "kleur";` },
      /imports kleur, which package.json does not declare/,
    ],
    [
      "deployment below the command line",
      { "services/market/main.ts": `import { b } from "../../deploy/deploy.ts";` },
      /leaves its package by a path/,
    ],
    [
      "another package by a path",
      { "services/cli/main.ts": `import { b } from "../market/api/app.ts";` },
      /leaves its package by a path/,
    ],
    ["a package without a layer", { "services/extra/a.ts": "export {};" }, /has no layer/],
  ];
  for (const [name, files, expected] of violations) {
    test(`behavior: refuses ${name}`, async () => {
      assert.match(messages(await findIn(layers, files)), expected);
    });
  }

  test("behavior: names file and line", async () => {
    const [finding] = await findIn(layers, {
      "services/runtime/logger.ts": `\n\nimport pino from "pino";`,
    });
    assert.equal(finding?.file, "services/runtime/logger.ts");
    assert.equal(finding?.line, 3);
  });
});
