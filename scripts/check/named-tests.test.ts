import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { findIn, messages } from "./fixture.ts";
import { namedTests } from "./named-tests.ts";

const TEST = `test("a chain that is \\"away\\"\n  is waited for", () => {});`;
const readme = (path: string, name: string): string => `| away | [\`${path}\`] "${name}" |`;

describe("named-tests", () => {
  test("default: a README may name the tests that there are, or words of them", async () => {
    const findings = await findIn(namedTests, {
      "test/a.test.ts": TEST,
      "test/README.md": `${readme("test/a.test.ts", "is waited for")}\n\nand \`test/none.ts\` "free"`,
    });
    assert.deepEqual(findings, []);
  });

  test("behavior: refuses a test or a file that is gone", async () => {
    const findings = await findIn(namedTests, {
      "test/a.test.ts": TEST,
      "test/README.md": `${readme("test/a.test.ts", "is given up")}\n${readme("test/b.test.ts", "x")}`,
    });
    assert.match(messages(findings), /does not have: is given up\nnames test\/b.test.ts: no file/);
    assert.deepEqual(
      findings.map(({ line }) => line),
      [1, 2],
    );
  });
});
