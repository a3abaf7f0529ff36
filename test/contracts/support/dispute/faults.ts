/** Random ways to cheat. */
import { ABSENT, type Hex, toHex } from "@assay/protocol/commitments/hash";
import type { InputsInMemory, Words } from "@assay/engine/backend";
import { PRIMITIVES, type Primitive } from "@assay/engine/ir/primitives";
import { elements, sameShape } from "@assay/engine/ir/shape";
import type { Op, OpList, Program } from "@assay/engine/ir/types";
import type { Random } from "@assay/engine/testing/random";

import { type Fault, LISTS } from "./run.ts";

type Other = Extract<Fault, { kind: "other" }>;

const KINDS = [
  "state",
  "stop",
  "model",
  "eval",
  "op",
  "op",
  "op",
  "batch",
  "seed",
  "opcode",
  "swapped",
  "skipped",
  "header",
  "junk",
  "zero",
  "zero",
] as const;

/** Some faults need what not every program has; then an element of the state is flipped. */
export function randomFault(random: Random, program: Program, inputs: InputsInMemory): Fault {
  const flip = 1 << random.integer(0, 31);
  const element = (shape: readonly number[]): number => random.integer(0, elements(shape) - 1);
  const tensor = random.integer(0, program.state.length - 1);
  const step = random.integer(0, program.steps);
  const shape = program.state[tensor]?.shape ?? [];
  const state: Fault = { kind: "state", step, tensor, element: element(shape), flip };
  const kind = random.pick(KINDS);
  switch (kind) {
    case "state":
      return state;
    case "stop":
      return { kind, step: random.integer(1, program.steps) };
    case "model": {
      const parameters = program.state.filter(({ parameter }) => parameter);
      const place = random.integer(0, parameters.length - 1);
      return { kind, tensor: place, element: element(parameters[place]?.shape ?? []), flip };
    }
    case "eval": {
      if (program.outputs.length === 0) return state;
      const place = random.integer(0, program.outputs.length - 1);
      const out = program.eval[program.outputs[place]?.op ?? 0]?.out.shape ?? [];
      return { kind, tensor: place, element: element(out), flip };
    }
    case "op": {
      const list = random.pick(LISTS.filter((name) => program[name].length > 0));
      const op = random.integer(0, program[list].length - 1);
      const at = { init: 0, step: random.integer(1, program.steps), eval: program.steps }[list];
      const out = program[list][op]?.out.shape ?? [];
      return { kind, list, step: at, op, element: element(out), flip };
    }
    case "header":
      return { kind, step, tensor };
    case "zero":
      return zero(random, program, tensor);
    case "junk": {
      const checkpoints = Math.ceil(program.steps / program.interval);
      return checkpoints > 1 && checkpoints < 16 ? { kind } : state;
    }
    default:
      return otherwise(random, kind, program, inputs) ?? state;
  }
}

/** Zero in place of a root, where it shows; never of the model or of the last state, which the market refuses. */
function zero(random: Random, program: Program, tensor: number): Fault {
  const { steps, interval, state, outputs } = program;
  const what = random.pick(["tensor", "tensor", "state", "model", "eval"] as const);
  const parameters = state.filter(({ parameter }) => parameter).length;
  const places = { model: parameters > 1 ? parameters : 0, eval: outputs.length };
  if ((what === "model" || what === "eval") && places[what] > 0)
    return { kind: "zero", what, tensor: random.integer(0, places[what] - 1) };
  const last = what === "tensor" && state.length > 1 ? 0 : 1;
  const checkpoint = random.integer(0, Math.ceil(steps / interval) - last);
  const step = Math.min(checkpoint * interval, steps);
  return { kind: "zero", what: what === "tensor" ? what : "state", step, tensor };
}

function otherwise(
  random: Random,
  what: Other["what"],
  program: Program,
  inputs: InputsInMemory,
): Other | undefined {
  const other = (changes: Partial<Pick<Other, "program" | "inputs">>): Other => ({
    kind: "other",
    what,
    program,
    inputs,
    ...changes,
  });
  const list = random.pick(LISTS.filter((name) => program[name].length > 0));
  const withOps = (ops: readonly Op[]): Other => other({ program: { ...program, [list]: ops } });
  switch (what) {
    case "seed":
      return other({ inputs: { ...inputs, seed: inputs.seed ^ 1n } });
    case "batch":
      if (inputs.data.length === 0) return undefined;
      return other({ inputs: { ...inputs, data: inputs.data.map(shifted) } });
    case "opcode":
      return withOps(program[list].map((op) => (random.oneIn(2) ? sibling(random, op) : op)));
    case "swapped": {
      const pair = swappable(program, list);
      if (pair === undefined) return undefined;
      const [a, b] = pair;
      const ops = [...program[list]];
      [ops[a], ops[b]] = [ops[b] as Op, ops[a] as Op];
      return withOps(ops);
    }
    default: {
      const gone = random.integer(0, program[list].length - 1);
      return withOps(program[list].map((op, i) => (i === gone ? copyOf(op) : op)));
    }
  }
}

/** The next rows instead of these. */
const shifted = (words: Words): Words =>
  Uint32Array.from(words, (_, i) => words[(i + 1) % words.length] as number);

/** Another primitive of the same types. */
function sibling(random: Random, op: Op): Op {
  const of = (opcode: number) => PRIMITIVES.find((p) => p.opcode === opcode) as Primitive;
  const own = of(op.opcode);
  const same = PRIMITIVES.filter(
    (p: Primitive) =>
      p.form === own.form &&
      p.result === own.result &&
      p.operands.length === own.operands.length &&
      p.operands.every((type, k) => type === own.operands[k]),
  );
  return { ...op, opcode: random.pick(same).opcode };
}

/** Two ops that make tensors of one type and read nothing that the list made. */
function swappable(program: Program, list: OpList): [number, number] | undefined {
  const ops = program[list];
  const reads = (op: Op): boolean =>
    op.operands.some(
      ({ source, indirection }) => source.kind === "value" || indirection?.source.kind === "value",
    );
  for (const [a, first] of ops.entries())
    for (const [b, second] of ops.entries())
      if (
        a < b &&
        !reads(first) &&
        !reads(second) &&
        first.out.dtype === second.out.dtype &&
        sameShape(first.out.shape, second.out.shape)
      )
        return [a, b];
  return undefined;
}

/** An op left out: zeros are where its output would be. */
const copyOf = ({ out }: Op): Op => ({
  form: "map",
  opcode: 0x01,
  out,
  operands: [
    {
      source: { kind: "immediate", dtype: out.dtype, bits: 0 },
      offset: 0,
      strides: out.shape.map(() => 0),
      guards: [],
      indirection: null,
    },
  ],
});

/** A provider whose finer lists do not fit what it committed to: one of their entries is anything or zero, now and then. */
export const messOf =
  (random: Random) =>
  (roots: Hex[]): Hex[] => {
    if (roots.length < 2 || random.oneIn(2)) return roots;
    const word = Uint8Array.from({ length: 32 }, () => random.integer(0, 255));
    const root = random.oneIn(3) ? ABSENT : toHex(word);
    return roots.with(random.integer(0, roots.length - 2), root);
  };
