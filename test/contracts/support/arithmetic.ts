/** The referee's arithmetic in the EVM beside the engine's reference: what directed, random and deep tests share. */
import hre from "hardhat";
import { type Primitive, PRIMITIVES } from "@assay/engine/ir/primitives";
import type { DType, Op } from "@assay/engine/ir/types";
import { scalarStep } from "@assay/engine/reference/scalar";
import { elementBits } from "@assay/engine/testing/bits";
import { Random } from "@assay/engine/testing/random";

/** Accumulator and up to three operands, as bits (u32). */
export type ScalarCase = readonly [acc: number, x: number, y: number, z: number];

/** Cases in one call to the probe: well below the gas that a call gets. */
const BATCH = 1_000;

export type Probe = Awaited<ReturnType<typeof deployProbe>>;

/** A chain with the probe on it. */
export async function deployProbe() {
  const { ethers } = await hre.network.create();
  return ethers.deployContract("ArithmeticProbe");
}

export const hex = (bits: number): string => `0x${(bits >>> 0).toString(16).padStart(8, "0")}`;

/** Results of the EVM for many cases of one primitive. */
export async function evaluateAll(
  probe: Probe,
  primitive: Primitive,
  dtype: DType,
  cases: readonly ScalarCase[],
  seed: bigint,
): Promise<number[]> {
  const results: number[] = [];
  for (let at = 0; at < cases.length; at += BATCH) {
    const batch = cases.slice(at, at + BATCH);
    const input = Buffer.alloc(16 * batch.length);
    batch.flat().forEach((bits, i) => input.writeUInt32BE(bits >>> 0, 4 * i));
    const answer = String(
      await probe.getFunction("evaluateAll")(
        primitive.opcode,
        dtype === "f32" ? 0 : 1,
        input,
        seed,
      ),
    );
    const output = Buffer.from(answer.slice(2), "hex");
    for (let i = 0; i < batch.length; i++) results.push(output.readUInt32BE(4 * i));
  }
  return results;
}

/** The engine's answer. */
export function expected(
  primitive: Primitive,
  dtype: DType,
  [acc, ...operands]: ScalarCase,
  seed: bigint,
): number {
  const out = { dtype, shape: [] };
  const common = { opcode: primitive.opcode, out, operands: [] };
  const op: Op =
    primitive.form === "map"
      ? { form: "map", ...common }
      : { form: "fold", reduction: [1], initial: 0, ...common };
  return scalarStep(op, acc, operands, seed);
}

/** Result types that a primitive can have. */
export const resultTypes = ({ result }: Primitive): readonly DType[] =>
  result === "any" ? ["f32", "i32"] : [result];

/** Where the EVM and the engine differ, in words; none is what every test wants. */
export async function differences(
  probe: Probe,
  primitive: Primitive,
  dtype: DType,
  cases: readonly ScalarCase[],
  seed: bigint,
): Promise<string[]> {
  const results = await evaluateAll(probe, primitive, dtype, cases, seed);
  return cases.flatMap((one, i) => {
    const [got, wanted] = [results[i] as number, expected(primitive, dtype, one, seed)];
    return got === wanted
      ? []
      : [`${primitive.name}(${one.map(hex).join(", ")}) is ${hex(wanted)}, not ${hex(got)}`];
  });
}

/** A number near `bits`, so that exponents meet, results cancel and quotients come close to one. */
const near = (random: Random, bits: number): number =>
  ((bits & 0x7fffffff) + (random.integer(-3, 3) << 23) + random.integer(-9, 9)) ^
  (random.oneIn(2) ? 0x80000000 : 0);

/** Random operands: quite random bits, the edges of the format, and pairs whose exponents are close. */
export function randomCases(primitive: Primitive, dtype: DType, count: number, seed: number) {
  const random = new Random(seed);
  const typeOf = (k: number): DType => {
    const declared = primitive.operands[k] ?? "any";
    return declared === "any" ? dtype : declared;
  };
  const draw = (type: DType): number =>
    (random.oneIn(3) ? random.bits() : elementBits(random, type)) >>> 0;
  return random.list(count, (): ScalarCase => {
    const x = draw(typeOf(0));
    const y = random.oneIn(3) ? near(random, x) >>> 0 : draw(typeOf(1));
    return [draw(dtype), x, y, draw(typeOf(2))];
  });
}

export { PRIMITIVES };
