/** Starting from a parent model, freezing layers, and low-rank adapters. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { noise } from "../autodiff/finite-differences.ts";
import type { Backend, Words } from "../backend.ts";
import type { NamedWords } from "../data/safetensors.ts";
import { checkProgram } from "../ir/check.ts";
import { type Program, UNCHANGED } from "../ir/types.ts";
import { referenceBackend } from "../reference/backend.ts";
import { wasmBackend } from "../wasm/backend.ts";
import { cnn, residualBlocks } from "./cnn.ts";
import type { Tuning } from "./layers.ts";
import { mlp } from "./mlp.ts";
import { transformerLm, type TransformerOptions } from "./transformer.ts";

const ROWS = 24;
const training = {
  optimizer: { kind: "sgd", learningRate: 0.1 },
  batch: 8,
  steps: 3,
  interval: 3,
  trainRows: ROWS,
  heldOutRows: 8,
  outputs: 2,
  activation: "relu",
} as const;

const perceptron = (tuning?: Tuning, outputs = 2): Program =>
  mlp({ ...training, inputs: 5, hidden: [6], outputs, ...(tuning && { tuning }) });

const language: TransformerOptions = {
  vocabulary: 7,
  context: 6,
  width: 8,
  layers: 1,
  heads: 2,
  optimizer: { kind: "adamw", learningRate: 0.05 },
  batch: 2,
  steps: 3,
  interval: 3,
  trainTokens: 60,
  heldOutTokens: 20,
};

/** Values for the columns of any preset: noise, classes, tokens. */
const columnsOf = (program: Program): Words[] =>
  program.data.map(({ dtype, shape }, k) => {
    const values = noise(
      shape.reduce((a, b) => a * b, 1),
      k + 1,
    );
    return dtype === "f32"
      ? new Uint32Array(Float32Array.from(values).buffer)
      : Uint32Array.from(values, (v) => (v > 0 ? 1 : 0));
  });

const run = async (
  program: Program,
  parent: readonly NamedWords[] = [],
  backend: Backend = wasmBackend,
): Promise<Map<string, Words>> => {
  checkProgram(program);
  const execution = await backend.prepare(program, {
    data: columnsOf(program),
    parent: parent.map(({ words }) => words),
    seed: 9n,
  });
  execution.init();
  execution.run(program.steps);
  const state = execution.state();
  execution.close();
  return new Map(program.state.map(({ name }, k) => [name, state[k] as Words]));
};

/** The model of a finished run, as its file would hold it. */
const modelOf = async (program: Program): Promise<NamedWords[]> => {
  const state = await run(program);
  return program.state.flatMap(({ name, dtype, shape, parameter }) =>
    parameter ? [{ name, dtype, shape, words: state.get(name) as Words }] : [],
  );
};

const refused = (make: () => Program, message: RegExp): void => {
  assert.throws(make, (error: Error) => {
    assert.match(error.message, message);
    return isAssayError(error, "ENGINE_GRAPH");
  });
};

describe("a parent model", () => {
  it("is where training starts, tensor by tensor, and is declared in the order of its file", async () => {
    const parent = await modelOf(perceptron());
    const program = mlp({
      ...training,
      inputs: 5,
      hidden: [6],
      tuning: { parent },
      optimizer: { kind: "sgd", learningRate: 1e-30 },
    });
    assert.deepEqual(
      program.parent.map(({ name }) => name),
      parent.map(({ name }) => name),
    );
    const state = await run(program, parent);
    for (const { name, words } of parent) assert.deepEqual(state.get(name), words, name);
  });

  it("gives what it has; what is named as fresh is drawn anew", async () => {
    const parent = await modelOf(perceptron());
    refused(() => perceptron({ parent }, 4), /the parent's "layer2.weight" is f32\[6,2\], this/);
    const program = perceptron({ parent, fresh: ["layer2"] }, 4);
    const state = await run(program, parent);
    assert.equal(state.get("layer2.weight")?.length, 24);
    refused(() => perceptron({ parent, fresh: ["layer"] }), /no parameter is named "layer"/);
    const others = parent.map((tensor) => ({ ...tensor, name: `other.${tensor.name}` }));
    refused(() => perceptron({ parent: others }), /no parameter of this model/);
  });
});

describe("frozen parameters", () => {
  it("stay as they are, have no gradient and no optimizer state", async () => {
    const parent = await modelOf(perceptron());
    const tuning = { parent, freeze: ["layer1"] };
    const state = await run(perceptron(tuning), parent);
    const at = (name: string): Words | undefined => parent.find((p) => p.name === name)?.words;
    assert.deepEqual(state.get("layer1.weight"), at("layer1.weight"));
    assert.notDeepEqual(state.get("layer2.weight"), at("layer2.weight"));
    const program = perceptron(tuning);
    assert.ok(program.step.length < perceptron({ parent }).step.length);
    assert.equal(program.state.find(({ name }) => name === "layer1.bias")?.stepOp, UNCHANGED);
    assert.ok(program.state.find(({ name }) => name === "layer1.bias")?.parameter);
    refused(() => perceptron({ freeze: ["layer1", "layer2"] }), /no parameter is left to train/);
    refused(() => perceptron({ freeze: ["layer9"] }), /no parameter is named "layer9"/);
  });

  it("include the running statistics of a batch norm", async () => {
    const program = cnn({
      ...training,
      image: { height: 4, width: 4, channels: 1 },
      blocks: residualBlocks([2], 1),
      hidden: [],
      tuning: { freeze: ["block1"] },
    });
    const stepOf = (name: string) => program.state.find((s) => s.name === name)?.stepOp;
    assert.equal(stepOf("block1.norm.mean"), UNCHANGED);
    assert.notEqual(stepOf("block2.first.norm.mean"), UNCHANGED);
    await run(program);
  });
});

describe("low-rank adapters", () => {
  it("start without effect, and are all that is trained", async () => {
    const parent = await modelOf(transformerLm(language));
    const lora = { rank: 2, alpha: 4 };
    const program = transformerLm({ ...language, tuning: { parent, lora } });
    const trained = program.state.filter((s) => s.parameter && s.stepOp !== UNCHANGED);
    assert.deepEqual(
      trained.map(({ name, shape }) => [name, ...shape]),
      ["query", "value"].flatMap((part) => [
        [`layer1.attention.${part}.lora.down`, 8, 2],
        [`layer1.attention.${part}.lora.up`, 2, 8],
      ]),
    );
    const first = await run(
      transformerLm({ ...language, tuning: { parent, lora }, steps: 1 }),
      parent,
    );
    const plain = await run(transformerLm({ ...language, tuning: { parent }, steps: 1 }), parent);
    assert.deepEqual(first.get("loss"), plain.get("loss"));
    const state = await run(program, parent);
    for (const { name, words } of parent) assert.deepEqual(state.get(name), words, name);
    assert.ok(state.get("layer1.attention.query.lora.up")?.some((word) => word !== 0));
  });

  it("have the same bits on every back end", async () => {
    const parent = await modelOf(transformerLm(language));
    const targets = ["query", "output", "widen"];
    const program = transformerLm({ ...language, tuning: { parent, lora: { rank: 2, targets } } });
    assert.deepEqual(await run(program, parent, referenceBackend), await run(program, parent));
  });

  it("need a layer to go to", () => {
    const lora = { rank: 2 };
    refused(() => perceptron({ lora }), /no layer takes a low-rank adapter/);
    assert.ok(perceptron({ lora: { ...lora, targets: ["layer1"] } }).step.length > 0);
  });
});
