/** ONNX files give the logits of the engine's own network in onnxruntime. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InferenceSession, Tensor } from "onnxruntime-web";
import { isAssayError } from "@assay/protocol/errors";
import { noise } from "../autodiff/finite-differences.ts";
import type { NamedWords } from "../data/safetensors.ts";
import { elements } from "../ir/shape.ts";
import { LENET, residualBlocks } from "../models/cnn.ts";
import { inferenceProgram, type Network } from "../models/inference.ts";
import { wasmBackend } from "../wasm/backend.ts";
import { onnxFile } from "./onnx.ts";

const ROWS = 5;

/** Parameters that a training could have left: all of them away from zero, variances above it. */
const parametersOf = (network: Network): NamedWords[] =>
  inferenceProgram(network, 1).state.map(({ name, dtype, shape }, k) => {
    const near = name.endsWith("scale") || name.endsWith("variance") ? 1 : 0;
    const fan = Math.sqrt(shape.at(-2) ?? 4);
    const values = noise(elements(shape), 40 + k).map((v) => near + (0.8 * v) / fan);
    return { name, dtype, shape, words: new Uint32Array(Float32Array.from(values).buffer) };
  });

const inputOf = (network: Network): { name: string; values: number[]; width: number } => {
  if (network.preset === "transformer-lm") {
    const values = noise(ROWS * network.context, 7);
    return {
      name: "tokens",
      values: values.map((v) => Math.floor(((v + 1) / 2) * network.vocabulary)),
      width: network.context,
    };
  }
  const width =
    network.preset === "mlp"
      ? network.inputs
      : network.image.height * network.image.width * network.image.channels;
  return { name: "x", values: noise(ROWS * width, 8), width };
};

const engineLogits = async (
  network: Network,
  tensors: readonly NamedWords[],
): Promise<Float32Array> => {
  const program = inferenceProgram(network, ROWS);
  const { name, values } = inputOf(network);
  const typed = name === "x" ? Float32Array.from(values) : Int32Array.from(values);
  const execution = await wasmBackend.prepare(program, {
    data: [new Uint32Array(typed.buffer)],
    parent: [],
    seed: 0n,
  });
  execution.load(
    tensors.map(({ words }) => words),
    1,
  );
  const [logits] = execution.evaluate();
  execution.close();
  return new Float32Array(logits?.slice().buffer ?? new ArrayBuffer(0));
};

const image = { height: 10, width: 12, channels: 2 };
const common = { hidden: [7], outputs: 4, activation: "relu" } as const;
const language = {
  preset: "transformer-lm",
  vocabulary: 11,
  context: 6,
  width: 16,
  layers: 2,
  heads: 4,
} as const;

const NETWORKS: readonly (readonly [string, Network])[] = [
  ...(["relu", "gelu", "tanh", "sigmoid", "silu"] as const).map(
    (activation) =>
      [
        `mlp with ${activation}`,
        { preset: "mlp", inputs: 9, hidden: [8, 6], outputs: 3, activation },
      ] as const,
  ),
  ["LeNet", { ...common, ...LENET, preset: "cnn", image: { height: 16, width: 16, channels: 1 } }],
  [
    "residual network with batch norm",
    { ...common, preset: "cnn", image, blocks: residualBlocks([4, 6], 2), hidden: [] },
  ],
  [
    "stride, dilation, groups and pooling with padding",
    {
      ...common,
      preset: "cnn",
      image,
      blocks: [
        { kind: "convolution", filters: 4, size: 3, padding: 2, dilation: 2, groups: 2 },
        { kind: "averagePool", size: 3, stride: 2, padding: 1 },
        { kind: "convolution", filters: 4, size: 3, stride: 2, padding: 1, groups: 4 },
        { kind: "maxPool", size: 2, padding: 1 },
      ],
    },
  ],
  ["transformer-lm", language],
  [
    "transformer-lm with adapters",
    { ...language, activation: "silu", lora: { rank: 2, alpha: 6, targets: ["query", "narrow"] } },
  ],
];

describe("ONNX", () => {
  for (const [name, network] of NETWORKS)
    it(`gives the engine's logits to 1e-5: ${name}`, async () => {
      const tensors = parametersOf(network);
      const wanted = await engineLogits(network, tensors);
      const session = await InferenceSession.create(onnxFile(network, tensors));
      const { name: input, values, width } = inputOf(network);
      const fed =
        input === "x"
          ? new Tensor("float32", Float32Array.from(values), [ROWS, width])
          : new Tensor("int32", Int32Array.from(values), [ROWS, width]);
      const { logits } = await session.run({ [input]: fed });
      await session.release();
      const got = logits?.data as Float32Array;
      assert.equal(got.length, wanted.length);
      assert.ok(wanted.some((v) => Math.abs(v) > 0.05));
      wanted.forEach((v, k) => {
        const error = Math.abs(v - (got[k] ?? Number.NaN));
        assert.ok(error <= 1e-5 * Math.max(1, Math.abs(v)), `${k}: ${v} and ${got[k]}`);
      });
    });

  it("refuses tensors of another model", () => {
    const network: Network = {
      preset: "mlp",
      inputs: 2,
      hidden: [],
      outputs: 2,
      activation: "relu",
    };
    assert.throws(
      () => onnxFile(network, []),
      (error) => isAssayError(error, "EXPORT_TENSOR_MISSING"),
    );
  });
});
