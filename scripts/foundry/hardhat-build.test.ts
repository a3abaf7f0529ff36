import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { answerFromHardhat } from "./hardhat-build.ts";

const root = join(import.meta.dirname, "../..");
const NAME = "contracts/governance/Timelock.sol";
const content = readFileSync(join(root, NAME), "utf8");
const { bytecode } = JSON.parse(
  readFileSync(join(root, `.build/artifacts/${NAME}/Timelock.json`), "utf8"),
) as { bytecode: string };

describe("answerFromHardhat", () => {
  test("default: the code that Hardhat compiled from the same source", () => {
    const { contracts, sources } = answerFromHardhat(root, { [NAME]: { content } });
    assert.deepEqual(sources, { [NAME]: { id: 0 } });
    const found = contracts[NAME]?.["Timelock"] as
      | { evm: { bytecode: { object: string }; methodIdentifiers: Record<string, string> } }
      | undefined;
    assert.equal(`0x${found?.evm.bytecode.object}`, bytecode);
    assert.equal(found?.evm.methodIdentifiers["getMinDelay()"], "f27a0c92");
  });

  test("behavior: nothing for another text of the source, or one that is not there", () => {
    const changed = { [NAME]: { content: `${content}\n` }, "contracts/No.sol": { content } };
    assert.deepEqual(answerFromHardhat(root, changed).contracts, {});
  });
});
