/** What people train, at the contract's table: a fault in each kind of layer is played to the scalar that shows it. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { primitiveAt } from "@assay/engine/ir/primitives";
import { elements } from "@assay/engine/ir/shape";
import type { Op, Program } from "@assay/engine/ir/types";
import { Random } from "@assay/engine/testing/random";
import { SMALL_PRESETS } from "@assay/engine/testing/small-presets";

import {
  type Court,
  TARGET,
  challenge,
  deployCourtHouse,
  submitRun,
} from "../../support/dispute/court.ts";
import { engineChallenger, engineRun } from "../../support/dispute/engine.ts";
import { play } from "../../support/dispute/play.ts";
import { Provider } from "../../support/dispute/provider.ts";
import { lying } from "../../support/dispute/random.ts";
import { Run } from "../../support/dispute/run.ts";
import { LEVEL } from "../../support/dispute/trees.ts";

interface Layer {
  readonly preset: keyof typeof SMALL_PRESETS;
  readonly form: Op["form"];
  readonly primitive: string;
  /** Whether an op of that form and primitive belongs to the layer. */
  readonly belongs: (op: Op, program: Program, index: number) => boolean;
}

const stateNamed = ({ state }: Program, name: string): number =>
  state.findIndex((tensor) => tensor.name === name);
const reads = (op: Op, kind: "state" | "value", index: number): boolean =>
  op.operands.some(({ source }) => source.kind === kind && source.index === index);
const shaped = (op: Op, ...shape: readonly number[]): boolean =>
  JSON.stringify(op.out.shape) === JSON.stringify(shape);
const feeds = (program: Program, name: string, index: number): boolean =>
  program.state[stateNamed(program, name)]?.stepOp === index;

const CNN = "cnn with AdamW";
const TRANSFORMER = "transformer-lm with AdamW";
const MLP = "mlp with dropout and momentum";
/** Width, batch, context, heads and vocabulary of the transformer. */
const [WIDTH, BATCH, CONTEXT, HEADS, VOCABULARY] = [8, 2, 6, 2, 7] as const;

const LAYERS: Readonly<Record<string, Layer>> = {
  "a convolution": {
    preset: CNN,
    form: "fold",
    primitive: "mulAdd",
    belongs: (op, program) => reads(op, "state", stateNamed(program, "block1.weight")),
  },
  "the gradient of a convolution": {
    preset: CNN,
    form: "fold",
    primitive: "mulAdd",
    belongs: (op) => shaped(op, 3, 3, 1, 3),
  },
  "a max pooling": {
    preset: CNN,
    form: "fold",
    primitive: "maximum",
    belongs: (op) => shaped(op, 4, 3, 3, 3),
  },
  "the scores of attention": {
    preset: TRANSFORMER,
    form: "fold",
    primitive: "mulAdd",
    belongs: (op) => shaped(op, BATCH, HEADS, CONTEXT, CONTEXT),
  },
  "what attention reads out": {
    preset: TRANSFORMER,
    form: "fold",
    primitive: "mulAdd",
    belongs: (op) => shaped(op, BATCH, CONTEXT, HEADS, WIDTH / HEADS),
  },
  "the gradient of an embedding": {
    preset: TRANSFORMER,
    form: "fold",
    primitive: "mulAdd",
    belongs: (op) =>
      shaped(op, VOCABULARY, WIDTH) && op.operands.some(({ indirection }) => indirection !== null),
  },
  "AdamW, in the root of a second moment": {
    preset: TRANSFORMER,
    form: "map",
    primitive: "sqrt",
    belongs: (op) => shaped(op, WIDTH, VOCABULARY),
  },
  "AdamW, in the parameter that it gives": {
    preset: CNN,
    form: "map",
    primitive: "sub",
    belongs: (_, program, index) => feeds(program, "block1.weight", index),
  },
  "a random number of dropout": {
    preset: MLP,
    form: "map",
    primitive: "philox",
    belongs: () => true,
  },
  "the momentum of SGD": {
    preset: MLP,
    form: "map",
    primitive: "add",
    belongs: (_, program, index) =>
      program.state.some(({ name, stepOp }) => name.endsWith("velocity") && stepOp === index),
  },
};

const opOf = (layer: Layer): number => {
  const { program } = SMALL_PRESETS[layer.preset];
  return program.step.findIndex(
    (op, index) =>
      op.form === layer.form &&
      primitiveAt(op.opcode)?.name === layer.primitive &&
      layer.belongs(op, program, index),
  );
};

/** A run with an element of the op's output in the last step wrong, the first one from the middle on that the model depends on. */
const faultyRun = (honest: Run, op: number): { faulty: Run; element: number } => {
  const { program, inputs } = honest;
  const step = program.steps;
  const { out } = program.step[op] ?? assert.fail("the preset has no such op");
  const all = elements(out.shape);
  const flip = out.dtype === "f32" ? 0x00400000 : 0x80000000;
  for (let i = 0; i < all; i++) {
    const element = (Math.floor(all / 2) + i) % all;
    const faulty = new Run(program, inputs, { kind: "op", list: "step", step, op, element, flip });
    if (faulty.stateRoot(step) !== honest.stateRoot(step)) return { faulty, element };
  }
  return assert.fail("the model depends on no element");
};

describe("a fault in what people train", () => {
  let court: Court;
  before(async () => {
    court = await deployCourtHouse();
  });

  for (const [name, layer] of Object.entries(LAYERS))
    it(`is played to its scalar: ${name}`, async () => {
      const { program, data } = SMALL_PRESETS[layer.preset];
      const inputs = { data, parent: [], seed: 5n };
      const honest = new Run(program, inputs);
      const op = opOf(layer);
      const { faulty, element } = faultyRun(honest, op);
      const watcher = engineRun(honest, (index) => index === 0);

      for (const lie of [undefined, lying(faulty, new Random(op))]) {
        const job = await submitRun(court, faulty, honest, inputs.seed);
        const game = await challenge(court, job, TARGET.lastState);
        const provider = new Provider(court, faulty, job);
        if (lie !== undefined) provider.lie = lie;
        const stuck = await play(court, game, job, provider, engineChallenger(watcher));
        assert.equal(game.over, "provider lost");
        const { list, step, op: at, element: found, level } = game.position;
        assert.deepEqual([list, step, at, found].map(Number), [1, program.steps, op, element]);
        assert.equal(level, layer.form === "fold" ? LEVEL.term : LEVEL.chunk);
        // With the right operands the contract computes another scalar; others cannot be proven.
        const ends = ["DisputeWrongScalar", ...(lie === undefined ? [] : ["DisputeNotProven"])];
        assert.ok(ends.includes(stuck ?? "a move"), stuck);
      }
      await watcher.close();
    });
});
