/** The referee on a chain, asked many questions at a time, and random places in random programs to ask about. */
import hre from "hardhat";
import type { Result } from "ethers";
import { elements, terms } from "@assay/engine/ir/shape";
import type { Op, OpList, Program, Source, TensorType } from "@assay/engine/ir/types";
import { SOURCE } from "@assay/engine/ir/types";
import type { MemorySource, ScalarSources } from "@assay/engine/reference/scalar";
import { elementBits } from "@assay/engine/testing/bits";
import type { Random } from "@assay/engine/testing/random";

const BATCH = 100;

/** `Route` of the contracts. */
export const ROUTE = { fixed: 0n, guarded: 1n, noRow: 2n, element: 3n } as const;
export const ABSENT_SOURCE = 2n ** 64n - 1n;

export type Court = Awaited<ReturnType<typeof deployCourt>>;

/** One call of the referee: a function's name and its arguments. */
export type Question = readonly [name: string, ...args: readonly unknown[]];

/** What came back: the decoded results, or the name of the error. */
export interface Answer {
  readonly result: Result | undefined;
  readonly error: string | undefined;
}

/** A chain with the referee on it. */
export async function deployCourt() {
  const { ethers } = await hre.network.create();
  const referee = await ethers.deployContract("Referee");
  const batch = await ethers.deployContract("Batch");
  const target = await referee.getAddress();

  async function ask(questions: readonly Question[]): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (let from = 0; from < questions.length; from += BATCH) {
      const part = questions.slice(from, from + BATCH);
      const calls = part.map(([name, ...args]) =>
        referee.interface.encodeFunctionData(name, [...args]),
      );
      const given: readonly { ok: boolean; data: string }[] = await batch.getFunction("ask")(
        target,
        calls,
      );
      given.forEach(({ ok, data }, i) => {
        const name = part[i]?.[0] ?? "";
        answers.push(
          ok
            ? { result: referee.interface.decodeFunctionResult(name, data), error: undefined }
            : { result: undefined, error: referee.interface.parseError(data)?.name ?? data },
        );
      });
    }
    return answers;
  }
  return { ethers, referee, ask };
}

/** The type a source has inside a program's list, or undefined when there is no such tensor. */
export function sourceType(
  program: Program,
  ops: readonly Op[],
  index: number,
  source: { readonly kind: Source["kind"]; readonly index: number },
): TensorType | undefined {
  switch (source.kind) {
    case "value":
      return source.index < index ? ops[source.index]?.out : undefined;
    case "state":
    case "data":
    case "parent":
      return program[source.kind][source.index];
    default:
      return undefined;
  }
}

/** A type as the referee takes it; 0 for none. */
export const packType = (type: TensorType | undefined): bigint =>
  type === undefined
    ? 0n
    : BigInt(elements(type.shape)) | (type.dtype === "i32" ? 1n << 32n : 0n) | (1n << 40n);

const KINDS = Object.entries(SOURCE) as [Source["kind"], number][];

/** The source that an outline names. */
export const unpackSource = (packed: bigint): { kind: Source["kind"]; index: number } => ({
  kind: KINDS.find(([, byte]) => BigInt(byte) === packed >> 32n)?.[0] ?? "immediate",
  index: Number(packed & 0xffffffffn),
});

/** Hostile contents for every tensor that an op can read, the same at each asking. */
export function randomSources(
  program: Program,
  list: OpList,
  random: Random,
  seed: bigint,
): ScalarSources {
  const known = new Map<string, number>();
  const typeOf = (source: MemorySource): TensorType => {
    const type = sourceType(program, program[list], Number.POSITIVE_INFINITY, source);
    if (type === undefined) throw new RangeError(`no ${source.kind} ${source.index}`);
    return type;
  };
  const read = (source: MemorySource, address: number): number => {
    const key = `${source.kind} ${source.index} ${address}`;
    const bits = known.get(key) ?? elementBits(random, typeOf(source).dtype) >>> 0;
    known.set(key, bits);
    return bits;
  };
  return { typeOf, read, step: random.integer(0, 5), seed };
}

/** A random output element and term of an op, the first and last ones often. */
export function randomPlace(op: Op, random: Random): { element: number; term: number } {
  const pick = (count: number): number =>
    random.pick([0, count - 1, random.integer(0, count - 1), random.integer(0, count - 1)]);
  return { element: pick(elements(op.out.shape)), term: pick(terms(op)) };
}
