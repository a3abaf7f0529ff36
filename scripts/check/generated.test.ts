import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { findIn, messages } from "./fixture.ts";
import { generated } from "./generated.ts";

const generator = (status: number): string =>
  `if (!process.argv.includes("--check")) throw new Error("writes");\nconsole.error("out.ts is stale");\nprocess.exitCode = ${status};`;

describe("generated", () => {
  test("default: every generator finds its output as it would write it", async () => {
    const findings = await findIn(generated, {
      "scripts/generate/abis.ts": generator(0),
      "scripts/generate/generate.ts": generator(1),
      "scripts/generate/support/output.ts": generator(1),
    });
    assert.deepEqual(findings, []);
  });

  test("behavior: names the generator whose output is stale", async () => {
    const findings = await findIn(generated, {
      "scripts/generate/abis.ts": generator(0),
      "scripts/generate/env.ts": generator(1),
    });
    assert.equal(findings.length, 1);
    assert.equal(findings[0]?.file, "scripts/generate/env.ts");
    assert.match(messages(findings), /out.ts is stale/);
  });
});
