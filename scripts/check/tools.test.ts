import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { findIn, messages } from "./fixture.ts";
import type { Rule } from "./rule.ts";
import { deadCode, format, lint, lintSolidity, types } from "./tools.ts";

const contract = (body: string, pragma = "0.8.37"): string =>
  `// SPDX-License-Identifier: MIT\npragma solidity ${pragma};\n\n${body}\n`;

const GOOD: [Rule, Record<string, string>][] = [
  [types, { "services/engine/a.ts": "export const a: number = 1;\n" }],
  [lint, { "services/engine/a.ts": "export const a = 1;\n" }],
  [lintSolidity, { "contracts/market/Market.sol": contract("contract Market {}") }],
  [format, { "services/engine/a.ts": "export const a = 1;\n" }],
  [
    deadCode,
    {
      "package.json": JSON.stringify({
        name: "small",
        knip: { entry: ["main.ts"], includeEntryExports: true },
      }),
      "main.ts": `import { used } from "./used.ts";\nconsole.log(used);\n`,
      "used.ts": "export const used = 1;\n",
    },
  ],
];

const BAD: [Rule, string, Record<string, string>, RegExp][] = [
  [types, "a wrong type", { "services/engine/a.ts": `export const a: number = "1";\n` }, /TS2322/],
  [types, "an enum", { "services/engine/a.ts": "export enum A { B }\n" }, /erasableSyntaxOnly/],
  [
    types,
    "an index that may be out of bounds",
    { "services/engine/a.ts": "export const first = (list: number[]): number => list[0];\n" },
    /undefined/,
  ],
  [
    lint,
    "any",
    { "services/engine/a.ts": "export const a = (b: any): void => b();\n" },
    /no-explicit-any/,
  ],
  [
    lint,
    "an unused variable",
    { "services/engine/a.ts": "const a = 1;\nexport {};\n" },
    /no-unused-vars/,
  ],
  [
    lint,
    "console in a service",
    { "services/engine/a.ts": "console.log(1);\nexport {};\n" },
    /no-console/,
  ],
  [
    lint,
    "a promise that nobody awaits",
    {
      "services/engine/a.ts": "export const a = (b: () => Promise<void>): void => {\n  b();\n};\n",
    },
    /no-floating-promises/,
  ],
  [
    lint,
    "a default export",
    { "services/engine/a.ts": "export default 1;\n" },
    /no-default-export/,
  ],
  [
    lint,
    "a suppressed type error",
    { "services/engine/a.ts": "// @ts-ignore\nexport const a: number = 1;\n" },
    /ban-ts-comment/,
  ],
  [
    lint,
    "a file past 400 lines",
    {
      "services/engine/a.ts": Array.from(
        { length: 401 },
        (_, i) => `export const a${i} = ${i};\n`,
      ).join(""),
    },
    /max-lines/,
  ],
  [
    lintSolidity,
    "another compiler",
    { "contracts/market/Market.sol": contract("contract Market {}", "^0.8.20") },
    /compiler-version/,
  ],
  [
    lintSolidity,
    "an import without names",
    { "contracts/market/Market.sol": contract(`import "./Book.sol";\n\ncontract Market {}`) },
    /no-global-import/,
  ],
  [
    lintSolidity,
    "a reason in words",
    {
      "contracts/market/Market.sol": contract(
        `contract Market {\n    function f(bool ok) external pure {\n        require(ok, "no");\n    }\n}`,
      ),
    },
    /gas-custom-errors/,
  ],
  [
    format,
    "unformatted TypeScript",
    { "services/engine/a.ts": "export const a=1" },
    /services\/engine\/a.ts/,
  ],
  [
    format,
    "unformatted Solidity",
    { "contracts/A.sol": contract("contract A{uint256 x ;}") },
    /contracts\/A.sol/,
  ],
  [
    deadCode,
    "an unused file",
    {
      "package.json": JSON.stringify({
        name: "small",
        knip: { entry: ["main.ts"], project: ["*.ts"] },
      }),
      "main.ts": "console.log(1);\n",
      "unused.ts": "export const unused = 1;\n",
    },
    /unused.ts/,
  ],
  [
    deadCode,
    "an unused export of a package",
    {
      "services/engine/package.json": JSON.stringify({
        name: "@assay/engine",
        exports: { "./*": "./*.ts" },
      }),
      "services/engine/a.ts": "export const nobodyWantsThis = 1;\n",
    },
    /nobodyWantsThis/,
  ],
  [
    deadCode,
    "an unused dependency",
    {
      "services/engine/package.json": JSON.stringify({
        name: "@assay/engine",
        dependencies: { "left-over": "1.0.0" },
      }),
    },
    /left-over/,
  ],
];

describe("tools", { concurrency: 2 }, () => {
  for (const [rule, files] of GOOD) {
    test(`default: ${rule.name} accepts a good file`, async () => {
      assert.deepEqual(await findIn(rule, files), []);
    });
  }
  for (const [rule, name, files, expected] of BAD) {
    test(`behavior: ${rule.name} refuses ${name}`, async () => {
      assert.match(messages(await findIn(rule, files)), expected);
    });
  }
});
