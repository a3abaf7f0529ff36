import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { noise } from "../autodiff/finite-differences.ts";
import type { Backend, Words } from "../backend.ts";
import { checkProgram } from "../ir/check.ts";
import type { NamedTensor } from "../ir/types.ts";
import { referenceBackend } from "../reference/backend.ts";
import { wasmBackend } from "../wasm/backend.ts";
import { type GraphModel, graphModel } from "./graph.ts";

const ROWS = 32;
const columns: readonly NamedTensor[] = ["train", "heldout"].flatMap((part) => [
  { name: `${part}.x`, dtype: "f32", shape: [ROWS, 36] },
  { name: `${part}.y`, dtype: "i32", shape: [ROWS] },
  { name: `${part}.t`, dtype: "i32", shape: [ROWS, 4] },
]);

const training = {
  columns,
  optimizer: { kind: "adamw", learningRate: 0.01 },
  batch: 8,
  steps: 4,
  interval: 2,
} as const;

const words = ({ name, dtype, shape }: NamedTensor): Words => {
  const values = noise(
    shape.reduce((a, b) => a * b, 1),
    name.length,
  );
  return dtype === "f32"
    ? new Uint32Array(Float32Array.from(values).buffer)
    : Uint32Array.from(values, (v) => Math.floor(1.5 * (v + 1)));
};

const run = async (backend: Backend, graph: GraphModel): Promise<readonly Words[]> => {
  const program = graphModel({ ...training, graph });
  checkProgram(program);
  const execution = await backend.prepare(program, {
    data: program.data.map(words),
    parent: [],
    seed: 1n,
  });
  execution.init();
  execution.run(4);
  const result = [...execution.state(), ...execution.evaluate()];
  execution.close();
  return result;
};

const perceptron: GraphModel = {
  inputs: ["x", "y"],
  nodes: [
    { id: "h", op: "dense", of: "x", outputs: 9 },
    { id: "a", op: "gelu", of: "h" },
    { id: "d", op: "dropout", of: "a", rate: 0.2 },
    { id: "logits", op: "dense", of: "d", outputs: 3 },
    { id: "loss", op: "crossEntropy", of: ["logits", "y"] },
    { id: "right", op: "accuracy", of: ["logits", "y"] },
    { id: "matrix", op: "confusion", of: ["logits", "y"] },
  ],
  loss: "loss",
  metrics: { accuracy: "right", confusion: "matrix" },
};

const MODELS: Readonly<Record<string, GraphModel>> = {
  perceptron,
  "convolutions with batch norm and a shortcut": {
    inputs: ["x", "y"],
    nodes: [
      { id: "image", op: "reshape", of: "x", shape: [-1, 6, 6, 1] },
      { id: "c", op: "convolution", of: "image", filters: 4, size: 3, padding: 1 },
      { id: "n", op: "batchNorm", of: "c" },
      { id: "r", op: "relu", of: "n" },
      { id: "both", op: "add", of: ["r", "c"] },
      { id: "p", op: "maxPool", of: "both", size: 2 },
      { id: "g", op: "globalPool", of: "p" },
      { id: "z", op: "dense", of: "g", outputs: 3, bias: false },
      { id: "loss", op: "crossEntropy", of: ["z", "y"] },
    ],
    loss: "loss",
  },
  "attention over tokens, with a loss of its own": {
    inputs: ["t", "x"],
    nodes: [
      { id: "e", op: "embedding", of: "t", vocabulary: 3, width: 8 },
      { id: "a", op: "attention", of: "e", heads: 2, causal: false },
      { id: "n", op: "layerNorm", of: "a" },
      { id: "m", op: "mean", of: "n", axes: [1] },
      { id: "y", op: "dense", of: "m", outputs: 36 },
      { id: "twice", op: "mul", of: ["y", 2] },
      { id: "error", op: "squaredError", of: ["twice", "x"] },
      { id: "worst", op: "largest", of: "error" },
    ],
    loss: "error",
    metrics: { worst: "worst" },
  },
};

describe("a model in JSON", () => {
  for (const [name, graph] of Object.entries(MODELS))
    it(`has the same bits on every back end: ${name}`, async () => {
      assert.deepEqual(await run(wasmBackend, graph), await run(referenceBackend, graph));
    });

  it("names its parameters by its nodes, and its metrics", () => {
    const program = graphModel({ ...training, graph: perceptron });
    assert.deepEqual(
      program.state.filter(({ parameter }) => parameter).map(({ name }) => name),
      ["h.weight", "h.bias", "logits.weight", "logits.bias"],
    );
    assert.deepEqual(
      program.outputs.map(({ name }) => name),
      ["loss", "accuracy", "confusion"],
    );
  });

  const [dense, ...rest] = perceptron.nodes;
  const withFirst = (change: Record<string, unknown>): unknown => ({
    ...perceptron,
    nodes: [{ ...dense, ...change }, ...rest],
  });
  const WRONG: readonly (readonly [place: string, graph: unknown])[] = [
    ["graph", []],
    ["nodes", { ...perceptron, nodes: [] }],
    ["nodes[0].id", withFirst({ id: "1" })],
    ["nodes[0].id", withFirst({ id: "x" })],
    ["nodes[0].op", withFirst({ op: "dens" })],
    ["nodes[0].of", withFirst({ of: "q" })],
    ["nodes[0].of", withFirst({ of: "a" })],
    ["nodes[0].of", withFirst({ of: "h" })],
    ["nodes[0].of", withFirst({ of: ["x", "x"] })],
    ["nodes[0].outputs", withFirst({ outputs: 0 })],
    ["nodes[0].outputs", withFirst({ outputs: undefined })],
    ["nodes[0]", withFirst({ output: 7 })],
    ["nodes[0]", withFirst({ of: "y" })],
    ["nodes[4]", withFirst({ op: "reshape", outputs: undefined, shape: [-1, 6, 6] })],
    ["inputs[1]", { ...perceptron, inputs: ["x", "w"], nodes: [dense], loss: "h" }],
    ["inputs", { ...perceptron, inputs: ["x", "x"] }],
    ["loss", { ...perceptron, loss: "q" }],
    ["loss", { ...perceptron, loss: "y" }],
    ["metrics.accuracy", { ...perceptron, metrics: { accuracy: "q" } }],
  ];
  for (const [place, graph] of WRONG)
    it(`names ${place} of ${JSON.stringify(graph).slice(0, 90)}`, () => {
      assert.throws(
        () => graphModel({ ...training, graph: JSON.parse(JSON.stringify(graph)) as GraphModel }),
        (error: Error) => {
          assert.ok(isAssayError(error, "ENGINE_GRAPH_JSON"), String(error));
          assert.equal(error.details["place"], place, error.message);
          return true;
        },
      );
    });
});
