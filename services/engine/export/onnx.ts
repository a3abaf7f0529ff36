/** A trained network as an ONNX file: from rows or tokens to logits, as `inferenceProgram` computes them, but for rounding. */
import type { NamedWords } from "../data/safetensors.ts";
import type { Block } from "../models/cnn.ts";
import type { Network } from "../models/inference.ts";
import type { Value } from "./onnx-graph.ts";
import { OnnxWriter } from "./onnx-writer.ts";

type Of<Preset extends Network["preset"]> = Extract<Network, { preset: Preset }>;

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
  return writer.graph.finish("mlp", [{ name: "x", dtype: "f32", rest: [inputs] }], {
    value,
    rest: [outputs],
  });
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
  return graph.finish("cnn", [{ name: "x", dtype: "f32", rest: [height * width * channels] }], {
    value,
    rest: [outputs],
  });
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
    x = graph.node("Add", [x, writer.attention(`${name}.attention`, network, normed)]);
    const wide = writer.dense(`${name}.widen`, writer.layerNorm(`${name}.feedForward.norm`, x));
    const narrow = writer.dense(`${name}.narrow`, writer.activation(activation, wide));
    x = graph.node("Add", [x, narrow]);
  }
  const value = writer.dense("head", writer.layerNorm("norm", x), false);
  return graph.finish("transformer-lm", [{ name: "tokens", dtype: "i32", rest: [context] }], {
    value,
    rest: [context, vocabulary],
  });
};

/**
 * The bytes of an ONNX file of a trained network. Input `x` f32[n, features] or `tokens` i32[n, context]; output `logits`.
 * Throws EXPORT_TENSOR_MISSING where the tensors are not of this network.
 */
export const onnxFile = (
  network: Network,
  tensors: readonly NamedWords[],
): Uint8Array<ArrayBuffer> => {
  const writer = new OnnxWriter(network.lora, tensors);
  switch (network.preset) {
    case "mlp":
      return mlpFile(network, writer);
    case "cnn":
      return cnnFile(network, writer);
    default:
      return transformerFile(network, writer);
  }
};
