/** Every primitive in the EVM gives the bits of the engine's reference. `scripts/deep/float.ts` runs many more cases. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import {
  PRIMITIVES,
  type Probe,
  deployProbe,
  differences,
  randomCases,
  resultTypes,
} from "../../support/arithmetic.ts";

const FLOAT_CASES = 1_500;
const CASES = 300;
const FLOATS = new Set(["add", "sub", "mul", "div", "sqrt", "min", "max", "mulAdd"]);

describe("Primitives", () => {
  let probe: Probe;
  before(async () => {
    probe = await deployProbe();
  });

  for (const primitive of PRIMITIVES) {
    for (const dtype of resultTypes(primitive)) {
      it(`${primitive.name} to ${dtype} equals the engine on random operands`, async () => {
        const count = FLOATS.has(primitive.name) ? FLOAT_CASES : CASES;
        const cases = randomCases(primitive, dtype, count, primitive.opcode);
        const found = await differences(probe, primitive, dtype, cases, 0x0123456789abcdefn);
        assert.deepEqual(found.slice(0, 5), [], `${found.length} of ${count} differ`);
      });
    }
  }
});
