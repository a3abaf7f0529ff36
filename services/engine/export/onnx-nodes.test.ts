/** ONNX files of models in JSON give the engine's own values in onnxruntime. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-web";
import { isAssayError } from "@assay/protocol/errors";
import { noise } from "../autodiff/finite-differences.ts";
import type { NamedWords } from "../data/safetensors.ts";
import { elements } from "../ir/shape.ts";
import type { NamedTensor } from "../ir/types.ts";
import { type GraphModel, type GraphNetwork, graphNetwork } from "../models/graph.ts";
import { wasmBackend } from "../wasm/backend.ts";
import { onnxGraphFile } from "./onnx-nodes.ts";

const ROWS = 5;
const columns: readonly NamedTensor[] = [
  { name: "train.x", dtype: "f32", shape: [40, 36] },
  { name: "train.t", dtype: "i32", shape: [40, 4] },
  { name: "train.y", dtype: "i32", shape: [40] },
];

const IMAGE: GraphModel = {
  inputs: ["x", "y"],
  nodes: [
    { id: "image", op: "reshape", of: "x", shape: [-1, 6, 6, 1] },
    { id: "c", op: "convolution", of: "image", filters: 4, size: 3, padding: 1 },
    { id: "n", op: "batchNorm", of: "c" },
    { id: "r", op: "silu", of: "n" },
    { id: "d", op: "convolution", of: "r", filters: 4, size: 3, padding: 1, groups: 2 },
    { id: "both", op: "concat", of: ["r", "d"], axis: 3 },
    { id: "most", op: "maxPool", of: "both", size: 2 },
    { id: "some", op: "averagePool", of: "most", size: 3, stride: 2, padding: 1 },
    { id: "g", op: "globalPool", of: "some" },
    { id: "left", op: "dropout", of: "g", rate: 0.5 },
    { id: "z", op: "dense", of: "left", outputs: 3, bias: false },
    { id: "loss", op: "crossEntropy", of: ["z", "y"] },
  ],
  loss: "loss",
};

const TOKENS: GraphModel = {
  inputs: ["t", "x"],
  nodes: [
    { id: "e", op: "embedding", of: "t", vocabulary: 7, width: 8 },
    { id: "a", op: "attention", of: "e", heads: 2 },
    { id: "f", op: "attention", of: "a", heads: 4, causal: false },
    { id: "n", op: "layerNorm", of: "f" },
    { id: "m", op: "mean", of: "n", axes: [1] },
    { id: "w", op: "dense", of: "m", outputs: 36 },
    { id: "s", op: "softmax", of: "w" },
    { id: "error", op: "squaredError", of: ["s", "x"] },
  ],
  loss: "error",
};

const NUMBERS: GraphModel = {
  inputs: ["x", "t"],
  nodes: [
    { id: "h", op: "dense", of: "x", outputs: 4 },
    { id: "k", op: "real", of: "t" },
    { id: "q", op: "sub", of: ["h", "k"] },
    { id: "sq", op: "square", of: "q" },
    { id: "root", op: "sqrt", of: "sq" },
    { id: "up", op: "add", of: ["root", 1.5] },
    { id: "lg", op: "log", of: "up" },
    { id: "ex", op: "exp", of: "lg" },
    { id: "ratio", op: "div", of: ["q", "ex"] },
    { id: "ng", op: "neg", of: "ratio" },
    { id: "ab", op: "abs", of: "ng" },
    { id: "lo", op: "minimum", of: ["ab", "ratio"] },
    { id: "hi", op: "maximum", of: ["lo", -0.5] },
    { id: "th", op: "tanh", of: "hi" },
    { id: "sg", op: "sigmoid", of: "th" },
    { id: "ge", op: "gelu", of: "sg" },
    { id: "turned", op: "transpose", of: "ge" },
    { id: "gram", op: "matmul", of: ["turned", "ge"] },
    { id: "mixed", op: "matmul", of: ["ge", "gram"] },
    { id: "sums", op: "sum", of: "mixed", axes: [1], keep: true },
    { id: "tops", op: "largest", of: "mixed", axes: [-1], keep: true },
    { id: "lows", op: "smallest", of: "mixed", axes: [-1], keep: true },
    { id: "part", op: "slice", of: "mixed", axis: 1, start: 1, length: 2 },
    { id: "all", op: "concat", of: ["sums", "tops", "lows", "part"], axis: 1 },
    { id: "total", op: "sum", of: "all" },
  ],
  loss: "total",
};

/** Parameters that a training could have left: all of them away from zero, variances above it. */
const parametersOf = ({ program }: GraphNetwork): NamedWords[] =>
  program.state.map(({ name, dtype, shape }, k) => {
    const near = name.endsWith("scale") || name.endsWith("variance") ? 1 : 0;
    const fan = Math.sqrt(shape.at(-2) ?? 4);
    const values = noise(elements(shape), 60 + k).map((v) => near + (0.8 * v) / fan);
    return { name, dtype, shape, words: new Uint32Array(Float32Array.from(values).buffer) };
  });

const valuesOf = ({
  dtype,
  shape,
}: NamedTensor): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> => {
  const values = noise(elements(shape), shape.length);
  return dtype === "f32"
    ? Float32Array.from(values)
    : Int32Array.from(values, (v) => Math.floor(3 * (v + 1)));
};

const engineValues = async (
  network: GraphNetwork,
  tensors: readonly NamedWords[],
): Promise<Float32Array> => {
  const execution = await wasmBackend.prepare(network.program, {
    data: network.inputs.map((input) => new Uint32Array(valuesOf(input).buffer)),
    parent: [],
    seed: 0n,
  });
  execution.load(
    tensors.map(({ words }) => words),
    1,
  );
  const [result] = execution.evaluate();
  execution.close();
  return new Float32Array(result?.slice().buffer ?? new ArrayBuffer(0));
};

const networkOf = (graph: GraphModel, output?: string): GraphNetwork =>
  graphNetwork({ graph, columns, output }, ROWS);

describe("ONNX of a model in JSON", () => {
  for (const [name, graph, output] of [
    ["an image, to what the loss judges", IMAGE, undefined],
    ["an image, to a node on the way", IMAGE, "most"],
    ["tokens", TOKENS, undefined],
    ["arithmetic", NUMBERS, "all"],
  ] as const)
    it(`gives the engine's values to 1e-5: ${name}`, async () => {
      const network = networkOf(graph, output);
      const tensors = parametersOf(network);
      const wanted = await engineValues(network, tensors);
      const session = await InferenceSession.create(onnxGraphFile(network, tensors));
      const fed = network.inputs.map((input): [string, Tensor] => {
        const values = valuesOf(input);
        return [
          input.name,
          values instanceof Float32Array
            ? new Tensor("float32", values, input.shape)
            : new Tensor("int32", values, input.shape),
        ];
      });
      const { logits } = await session.run(Object.fromEntries(fed));
      await session.release();
      assert.deepEqual(logits?.dims, network.output.shape);
      const got = logits?.data as Float32Array;
      assert.ok(wanted.some((v) => Math.abs(v) > 0.02));
      wanted.forEach((v, k) => {
        const error = Math.abs(v - (got[k] ?? Number.NaN));
        assert.ok(error <= 1e-5 * Math.max(1, Math.abs(v)), `${k}: ${v} and ${got[k]}`);
      });
    });

  const refused = (code: string, make: () => unknown, place?: string): void => {
    assert.throws(make, (error) => {
      assert.ok(isAssayError(error, code), String(error));
      assert.ok(error.remedy !== undefined);
      if (place !== undefined) assert.equal(error.details["place"], place);
      return true;
    });
  };

  it("leaves out what the node does not depend on", () => {
    const { inputs, nodes } = networkOf(IMAGE, "n");
    assert.deepEqual(
      [inputs.map(({ name }) => name), nodes.map(({ id }) => id)],
      [["x"], ["image", "c", "n"]],
    );
  });

  it("refuses what has no form in a file, naming the place", () => {
    const argmax: GraphModel = {
      ...IMAGE,
      nodes: [
        ...IMAGE.nodes,
        { id: "best", op: "argmax", of: "z" },
        { id: "number", op: "real", of: "best" },
      ],
    };
    const tensors = parametersOf(networkOf(IMAGE));
    refused("EXPORT_UNSUPPORTED", () => onnxGraphFile(networkOf(argmax, "number"), tensors));
    refused("EXPORT_UNSUPPORTED", () => onnxGraphFile(networkOf(argmax, "best"), tensors));
    refused("EXPORT_UNSUPPORTED", () => onnxGraphFile(networkOf(NUMBERS, "total"), []));
    refused("EXPORT_TENSOR_MISSING", () => onnxGraphFile(networkOf(IMAGE), []));
    refused("ENGINE_GRAPH_JSON", () => networkOf(NUMBERS), "output");
    refused("ENGINE_GRAPH_JSON", () => networkOf(IMAGE, "nothing"), "output");
  });
});
