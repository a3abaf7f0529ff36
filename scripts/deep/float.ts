/**
 * The referee's arithmetic on many random operands: every f32 operation in the EVM against the engine's reference, which
 * is `Math.fround` of the binary64 operation. Needs compiled contracts (`npx hardhat build`).
 * `--cases N`: per operation (default 100000); `--seed N`: of the operands (default 1).
 */
import { parseArgs } from "node:util";
import {
  PRIMITIVES,
  deployProbe,
  differences,
  randomCases,
  resultTypes,
} from "../../test/contracts/support/arithmetic.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
  },
});
const [count, seed] = [Number(values.cases), Number(values.seed)];
/** Operands are drawn in pieces, so that they never are all in memory. */
const PIECE = 10_000;

const FLOATS = PRIMITIVES.filter(
  ({ operands, result }) => result === "f32" || operands[0] === "f32",
);
const probe = await deployProbe();
for (const primitive of FLOATS) {
  for (const dtype of resultTypes(primitive)) {
    for (let done = 0, piece = 0; done < count; done += PIECE, piece++) {
      const cases = randomCases(
        primitive,
        dtype,
        Math.min(PIECE, count - done),
        (seed * 256 + primitive.opcode) * 2 ** 20 + piece,
      );
      const found = await differences(probe, primitive, dtype, cases, 1n);
      if (found.length > 0) {
        console.error(found.slice(0, 10).join("\n"));
        process.exitCode = 1;
        throw new Error(`${primitive.name}: ${found.length} of ${cases.length} cases differ`);
      }
    }
    console.log(`${primitive.name}: ${count} random cases in the EVM equal the reference`);
  }
}
