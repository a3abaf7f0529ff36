/** A trained network as an ONNX file: from rows or tokens to logits, as `inferenceProgram` computes them, but for rounding. */
import { AssayError } from "@assay/protocol/errors";
import type { NamedWords } from "../data/safetensors.ts";
import { elements } from "../ir/shape.ts";
import type { Shape } from "../ir/types.ts";
import type { Block } from "../models/cnn.ts";
import type { Network } from "../models/inference.ts";
import type { Activation } from "../models/layers.ts";
import { OnnxGraph, type Value } from "./onnx-graph.ts";

const EPSILON = 1e-5;
const MASKED = -1e30;

type Of<Preset extends Network["preset"]> = Extract<Network, { preset: Preset }>;

/** Writes layers as nodes. Parameters keep their names; those of convolutions are turned to ONNX's layout. */
class OnnxWriter {
  readonly graph = new OnnxGraph();
  readonly #tensors: ReadonlyMap<string, NamedWords>;
  readonly #network: Network;

  constructor(network: Network, tensors: readonly NamedWords[]) {
    this.#network = network;
    this.#tensors = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  }

  tensor(name: string): { readonly shape: Shape; readonly values: Float32Array<ArrayBuffer> } {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined)
      throw new AssayError("EXPORT_TENSOR_MISSING", `the model has no tensor "${name}"`, {
        remedy: "export the model with the job file that it was trained from",
        details: { name },
      });
    return { shape: tensor.shape, values: new Float32Array(tensor.words.slice().buffer) };
  }

  parameter(name: string): Value {
    const { shape, values } = this.tensor(name);
    return this.graph.reals(name, shape, values);
  }

  /** x·W + b along the last axis; adapters are added to the weights. */
  dense(name: string, x: Value, bias = true): Value {
    const { shape, values } = this.tensor(`${name}.weight`);
    this.#addAdapters(name, shape, values);
    const product = this.graph.node("MatMul", [
      x,
      this.graph.reals(`${name}.weight`, shape, values),
    ]);
    return bias ? this.graph.node("Add", [product, this.parameter(`${name}.bias`)]) : product;
  }

  #addAdapters(name: string, [inputs = 0, outputs = 0]: Shape, weights: Float32Array): void {
    const { lora } = this.#network;
    if (lora === undefined || !this.#tensors.has(`${name}.lora.down`)) return;
    const [down, up] = [this.tensor(`${name}.lora.down`), this.tensor(`${name}.lora.up`)];
    const { rank, alpha = rank } = lora;
    for (let i = 0; i < inputs; i++)
      for (let o = 0; o < outputs; o++) {
        let sum = 0;
        for (let r = 0; r < rank; r++)
          sum += (down.values[i * rank + r] ?? 0) * (up.values[r * outputs + o] ?? 0);
        weights[i * outputs + o] = (weights[i * outputs + o] ?? 0) + (sum * alpha) / rank;
      }
  }

  activation(kind: Activation, x: Value): Value {
    const { graph } = this;
    switch (kind) {
      case "relu":
        return graph.node("Relu", [x]);
      case "tanh":
        return graph.node("Tanh", [x]);
      case "sigmoid":
        return graph.node("Sigmoid", [x]);
      case "silu":
        return graph.node("Mul", [x, graph.node("Sigmoid", [x])]);
      default: {
        // The tanh form of `builder/functions.ts`; ONNX's own Gelu comes with a later operator set.
        const cube = graph.node("Mul", [graph.node("Mul", [x, x]), graph.real(0.044715)]);
        const inner = graph.node("Mul", [
          graph.node("Mul", [x, graph.real(Math.sqrt(2 / Math.PI))]),
          graph.node("Add", [cube, graph.real(1)]),
        ]);
        const gate = graph.node("Add", [graph.node("Tanh", [inner]), graph.real(1)]);
        return graph.node("Mul", [graph.node("Mul", [x, graph.real(0.5)]), gate]);
      }
    }
  }

  denseStack(hidden: readonly number[], kind: Activation, x: Value): Value {
    return hidden.reduce<Value>(
      (h, _, k) => this.activation(kind, this.dense(`layer${k + 1}`, h)),
      x,
    );
  }

  layerNorm(name: string, x: Value): Value {
    return this.graph.node(
      "LayerNormalization",
      [x, this.parameter(`${name}.scale`), this.parameter(`${name}.offset`)],
      { epsilon: { float: EPSILON } },
    );
  }

  /** Filters `[kh, kw, c, k]` become `[k, c, kh, kw]`. */
  filters(name: string): Value {
    const { shape, values } = this.tensor(name);
    const [kh = 1, kw = 1, c = 1, k = 1] = shape;
    const turned = new Float32Array(elements(shape));
    for (let at = 0; at < turned.length; at++) {
      const [column, row] = [at % kw, Math.floor(at / kw) % kh];
      const [channel, filter] = [Math.floor(at / (kw * kh)) % c, Math.floor(at / (kw * kh * c))];
      turned[at] = values[((row * kw + column) * c + channel) * k + filter] ?? 0;
    }
    return this.graph.reals(name, [k, c, kh, kw], turned);
  }

  /** A convolution with its batch norm, on `[n, channels, height, width]`. */
  convolution(name: string, block: Extract<Block, { kind: "convolution" }>, x: Value): Value {
    const { size, stride = 1, padding = 0, dilation = 1, groups = 1, batchNorm = false } = block;
    const attributes = {
      kernel_shape: [size, size],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      dilations: [dilation, dilation],
      group: groups,
    };
    const inputs = [x, this.filters(`${name}.weight`)];
    if (!batchNorm)
      return this.graph.node("Conv", [...inputs, this.parameter(`${name}.bias`)], attributes);
    const parts = ["scale", "offset", "mean", "variance"].map((part) =>
      this.parameter(`${name}.norm.${part}`),
    );
    return this.graph.node(
      "BatchNormalization",
      [this.graph.node("Conv", inputs, attributes), ...parts],
      {
        epsilon: { float: EPSILON },
      },
    );
  }
}

const blockOf = (
  writer: OnnxWriter,
  network: Of<"cnn">,
  name: string,
  channels: number,
  block: Block,
  x: Value,
): Value => {
  const { graph } = writer;
  switch (block.kind) {
    case "convolution":
      return writer.activation(network.activation, writer.convolution(name, block, x));
    case "globalPool":
      return graph.node("GlobalAveragePool", [x]);
    case "residual": {
      const { filters, stride = 1 } = block;
      const part = (suffix: string, size: number, step: number, from: Value): Value =>
        writer.convolution(
          `${name}.${suffix}`,
          { kind: "convolution", filters, size, stride: step, padding: size >> 1, batchNorm: true },
          from,
        );
      const first = writer.activation(network.activation, part("first", 3, stride, x));
      const second = part("second", 3, 1, first);
      const shortcut = stride === 1 && channels === filters ? x : part("shortcut", 1, stride, x);
      return writer.activation(network.activation, graph.node("Add", [second, shortcut]));
    }
    default: {
      const { size, stride = size, padding = 0 } = block;
      return graph.node(block.kind === "maxPool" ? "MaxPool" : "AveragePool", [x], {
        kernel_shape: [size, size],
        strides: [stride, stride],
        pads: [padding, padding, padding, padding],
        ...(block.kind === "averagePool" ? { count_include_pad: 1 } : {}),
      });
    }
  }
};

const mlpFile = (network: Of<"mlp">, writer: OnnxWriter): Uint8Array<ArrayBuffer> => {
  const { hidden, activation, inputs, outputs } = network;
  const h = writer.denseStack(hidden, activation, "x");
  const value = writer.dense(`layer${hidden.length + 1}`, h);
  return writer.graph.finish(
    "mlp",
    { name: "x", dtype: "f32", rest: [inputs] },
    { value, rest: [outputs] },
  );
};

const cnnFile = (network: Of<"cnn">, writer: OnnxWriter): Uint8Array<ArrayBuffer> => {
  const { graph } = writer;
  const { image, blocks, hidden, activation, outputs } = network;
  const { height, width, channels } = image;
  const rows = graph.node("Reshape", ["x", graph.integers([-1, height, width, channels])]);
  let x = graph.node("Transpose", [rows], { perm: [0, 3, 1, 2] });
  let depth = channels;
  blocks.forEach((block, k) => {
    x = blockOf(writer, network, `block${k + 1}`, depth, block, x);
    if ("filters" in block) depth = block.filters;
  });
  const last = graph.node("Transpose", [x], { perm: [0, 2, 3, 1] });
  const flat = graph.node("Flatten", [last], { axis: 1 });
  const h = writer.denseStack(hidden, activation, flat);
  const value = writer.dense(`layer${hidden.length + 1}`, h);
  return graph.finish(
    "cnn",
    { name: "x", dtype: "f32", rest: [height * width * channels] },
    { value, rest: [outputs] },
  );
};

const attention = (
  network: Of<"transformer-lm">,
  writer: OnnxWriter,
  name: string,
  x: Value,
): Value => {
  const { graph } = writer;
  const { context, width, heads } = network;
  const size = width / heads;
  const split = (part: string, perm: readonly number[]): Value => {
    const y = writer.dense(`${name}.${part}`, x);
    const parts = graph.node("Reshape", [y, graph.integers([-1, context, heads, size])]);
    return graph.node("Transpose", [parts], { perm });
  };
  const products = graph.node("MatMul", [split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1])]);
  const scores = graph.node("Mul", [products, graph.real(1 / Math.sqrt(size))]);
  const later = graph.truths(
    [1, 1, context, context],
    (k) => Math.floor(k / context) < k % context,
  );
  const seen = graph.node("Where", [later, graph.real(MASKED), scores]);
  const weights = graph.node("Softmax", [seen], { axis: 3 });
  const mixed = graph.node("MatMul", [weights, split("value", [0, 2, 1, 3])]);
  const rows = graph.node("Transpose", [mixed], { perm: [0, 2, 1, 3] });
  const joined = graph.node("Reshape", [rows, graph.integers([-1, context, width])]);
  return writer.dense(`${name}.output`, joined);
};

const transformerFile = (
  network: Of<"transformer-lm">,
  writer: OnnxWriter,
): Uint8Array<ArrayBuffer> => {
  const { graph } = writer;
  const { context, layers, vocabulary, activation = "gelu" } = network;
  const tokens = graph.node("Gather", [writer.parameter("token.weight"), "tokens"], { axis: 0 });
  let x = graph.node("Add", [tokens, writer.parameter("position.weight")]);
  for (let k = 1; k <= layers; k++) {
    const name = `layer${k}`;
    const normed = writer.layerNorm(`${name}.attention.norm`, x);
    x = graph.node("Add", [x, attention(network, writer, `${name}.attention`, normed)]);
    const wide = writer.dense(`${name}.widen`, writer.layerNorm(`${name}.feedForward.norm`, x));
    const narrow = writer.dense(`${name}.narrow`, writer.activation(activation, wide));
    x = graph.node("Add", [x, narrow]);
  }
  const value = writer.dense("head", writer.layerNorm("norm", x), false);
  return graph.finish(
    "transformer-lm",
    { name: "tokens", dtype: "i32", rest: [context] },
    { value, rest: [context, vocabulary] },
  );
};

/**
 * The bytes of an ONNX file of a trained network. Input `x` f32[n, features] or `tokens` i32[n, context]; output `logits`.
 * Throws EXPORT_TENSOR_MISSING where the tensors are not of this network.
 */
export const onnxFile = (
  network: Network,
  tensors: readonly NamedWords[],
): Uint8Array<ArrayBuffer> => {
  const writer = new OnnxWriter(network, tensors);
  switch (network.preset) {
    case "mlp":
      return mlpFile(network, writer);
    case "cnn":
      return cnnFile(network, writer);
    default:
      return transformerFile(network, writer);
  }
};
