/** Honest runs to dispute about, and faults to find in dishonest ones. */
import { ABSENT } from "@assay/protocol/commitments/hash";
import type { Backend, Words } from "../backend.ts";
import { tensorListRoot } from "../data/dataset.ts";
import { type Primitive, primitiveAt, PRIMITIVES } from "../ir/primitives.ts";
import { elements, terms } from "../ir/shape.ts";
import type { NamedTensor, Op, OpList, Program } from "../ir/types.ts";
import { referenceBackend } from "../reference/backend.ts";
import type { CheckpointSource } from "../trace/descent/checkpoints.ts";
import { type Descent, openDescent } from "../trace/descent/descent.ts";
import { nodeHasher } from "../trace/hasher.ts";
import { checkpointStep, intervalsOf } from "../trace/recorder.ts";
import { runJob, type StartState } from "../trace/run.ts";
import type { Case } from "./dispute-ledger.ts";
import { type Fault, otherBits } from "./faults.ts";
import type { RandomCase } from "./program.ts";
import { Random } from "./random.ts";

const rootOf = (tensors: readonly NamedTensor[], words: readonly Words[]) =>
  tensorListRoot(
    nodeHasher,
    tensors.map((tensor, i) => ({ ...tensor, words: words[i] as Words })),
  );

export interface HonestRun {
  readonly descent: Descent;
  readonly checkpoints: CheckpointSource;
  /** The case about this run's own trace. */
  readonly of: Case;
}

export interface HonestOptions {
  /** All unless told. */
  readonly intervals?: number;
  readonly start?: StartState;
  /** For the descent; the run itself is the reference's. */
  readonly backend?: Backend;
  /** Which checkpoints were kept; all unless told. */
  readonly kept?: (index: number) => boolean;
}

/** Runs the first intervals of a job and opens it for disputes. */
export async function honestRun(job: RandomCase, options: HonestOptions = {}): Promise<HonestRun> {
  const { program, inputs } = job;
  const { start, backend = referenceBackend, kept = () => true } = options;
  const states: (readonly Words[])[] = [];
  const until = options.intervals ?? intervalsOf(program, start?.step ?? 0);
  const { checkpointRoots } = await runJob({
    backend: referenceBackend,
    ...job,
    start,
    until,
    onCheckpoint: ({ state }) => void states.push(state),
  });
  const checkpoints: CheckpointSource = {
    roots: checkpointRoots,
    load: async (index) => (kept(index) ? states[index] : undefined),
  };
  const descent = openDescent({
    program,
    inputs,
    checkpoints,
    start: start?.step ?? null,
    backend,
  });
  const opening = await descent.open({ kind: "trace" });
  if (opening.kind !== "trace") throw new TypeError("the trace opens as a trace");
  return {
    descent,
    checkpoints,
    of: {
      course: descent.course,
      seed: inputs.seed,
      dataRoot: rootOf(program.data, inputs.data),
      parentRoot: rootOf(program.parent, inputs.parent),
      startRoot: start === undefined ? ABSENT : (checkpointRoots[0] ?? ABSENT),
      header: opening.header,
    },
  };
}

/** An op of the same shape that computes something else, or undefined. */
function otherOp(random: Random, op: Op): Op | undefined {
  const own = primitiveAt(op.opcode) as Primitive;
  const peers = PRIMITIVES.filter(
    (one: Primitive) =>
      one.opcode !== own.opcode &&
      one.form === own.form &&
      one.result === own.result &&
      one.operands.join() === own.operands.join(),
  );
  if (peers.length > 0) return { ...op, opcode: random.pick(peers).opcode };
  return op.form === "fold" ? { ...op, initial: otherBits(op.initial) } : undefined;
}

function withOtherOp(random: Random, program: Program, list: OpList): Program | undefined {
  const index = random.integer(0, Math.max(0, program[list].length - 1));
  const op = program[list][index];
  const other = op && otherOp(random, op);
  return (
    other && { ...program, [list]: program[list].map((one, i) => (i === index ? other : one)) }
  );
}

/** The same element for the same number. */
const flipped = (number: number, tensors: readonly Words[]): Words[] => {
  const random = new Random(number);
  const copy = tensors.map((words) => words.slice());
  const words = random.pick(copy);
  const at = random.integer(0, words.length - 1);
  words[at] = otherBits(words[at] as number);
  return copy;
};

export const FAULT_KINDS = [
  "init op",
  "step op",
  "eval op",
  "data",
  "parent",
  "seed",
  "flip",
  "init state",
  "state",
  "final state",
  "truncated",
  "evaluation",
  "model",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** A random fault; undefined when the program has no place for the kind drawn. */
export function randomFault(
  random: Random,
  { program, inputs }: RandomCase,
  intervals: number,
): { readonly kind: FaultKind; readonly fault: Fault } | undefined {
  const kind = random.pick(FAULT_KINDS);
  const number = random.bits();
  const last = checkpointStep(program, 0, intervals);
  const pretendAt = (list: OpList, step: number): Fault => ({
    pretend: (where, when, _, result) =>
      where === list && when === step ? flipped(number, result) : result,
  });
  const make = (): Fault | undefined => {
    switch (kind) {
      case "init op":
      case "step op":
      case "eval op": {
        const other = withOtherOp(random, program, kind.slice(0, 4) as OpList);
        return other && { program: other };
      }
      case "data":
      case "parent":
        if (inputs[kind].length === 0) return undefined;
        return { inputs: { ...inputs, [kind]: flipped(number, inputs[kind]) } };
      case "seed":
        return { inputs: { ...inputs, seed: inputs.seed ^ 1n } };
      case "flip": {
        const list = random.pick(["init", "step", "step", "step", "eval"] as const);
        const op = random.integer(0, program[list].length - 1);
        const at = program[list][op];
        if (at === undefined) return undefined;
        const step = { init: 0, step: random.integer(0, last - 1), eval: last }[list];
        const element = random.integer(0, elements(at.out.shape) - 1);
        return { flip: { list, step, op, element, term: random.integer(0, terms(at) - 1) } };
      }
      case "init state":
        return pretendAt("init", 0);
      case "state":
        return pretendAt("step", random.integer(0, last - 1));
      case "final state":
        return pretendAt("step", last - 1);
      case "truncated": {
        const from = random.integer(0, last - 1);
        return {
          pretend: (list, step, before, result) =>
            list === "step" && step >= from ? before : result,
        };
      }
      case "evaluation":
        return program.outputs.length === 0 ? undefined : pretendAt("eval", last);
      default:
        return { model: true };
    }
  };
  const fault = make();
  return fault && { kind, fault };
}
