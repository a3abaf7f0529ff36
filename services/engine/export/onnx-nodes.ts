/** A model in JSON as an ONNX file: each of its operations as one or a few nodes. */
import { AssayError } from "@assay/protocol/errors";
import type { NamedWords } from "../data/safetensors.ts";
import type { Shape } from "../ir/types.ts";
import type { Block } from "../models/cnn.ts";
import type { GraphNetwork, NetworkNode } from "../models/graph.ts";
import { ACTIVATIONS, type Activation, type LoraOptions } from "../models/layers.ts";
import type { Attributes, Value } from "./onnx-graph.ts";
import { OnnxWriter } from "./onnx-writer.ts";

const EPSILON = 1e-5;

interface Given {
  readonly writer: OnnxWriter;
  readonly id: string;
  readonly shapes: readonly Shape[];
  /** As the graph's schema let them through. */
  readonly options: Readonly<Record<string, unknown>>;
}

type Emit = (of: readonly Value[], given: Given) => Value;

const unsupported = (what: string, remedy: string): AssayError =>
  new AssayError("EXPORT_UNSUPPORTED", what, { remedy });

const plain =
  (operator: string, attributes?: Attributes): Emit =>
  (of, { writer }) =>
    writer.graph.node(operator, of, attributes);

const first = ([x]: readonly Value[]): Value => x as Value;

/** `ReduceSum` reads its axes, the others have them as an attribute (operator set 17). */
const reduction =
  (operator: string): Emit =>
  (of, { writer: { graph }, options }) => {
    const axes = options["axes"] as readonly number[] | undefined;
    const keep = { keepdims: options["keep"] === true ? 1 : 0 };
    if (axes === undefined) return graph.node(operator, of, keep);
    return operator === "ReduceSum"
      ? graph.node(operator, [first(of), graph.integers(axes)], keep)
      : graph.node(operator, of, { ...keep, axes });
  };

/** Runs `body` with the channels in front, where ONNX wants them. */
const channelsFirst = ({ graph }: OnnxWriter, x: Value, body: (x: Value) => Value): Value => {
  const turned = graph.node("Transpose", [x], { perm: [0, 3, 1, 2] });
  return graph.node("Transpose", [body(turned)], { perm: [0, 2, 3, 1] });
};

const pool =
  (operator: string, attributes: Attributes = {}): Emit =>
  (of, { writer, options }) => {
    const {
      size,
      stride = size,
      padding = 0,
    } = options as Record<"size", number> & Partial<Record<"stride" | "padding", number>>;
    return channelsFirst(writer, first(of), (x) =>
      writer.graph.node(operator, [x], {
        kernel_shape: [size, size],
        strides: [stride, stride],
        pads: [padding, padding, padding, padding],
        ...attributes,
      }),
    );
  };

const activations = Object.fromEntries(
  (Object.keys(ACTIVATIONS) as Activation[]).map((kind): [string, Emit] => [
    kind,
    (of, { writer }) => writer.activation(kind, first(of)),
  ]),
);

const EMIT: Readonly<Record<string, Emit>> = {
  ...activations,
  add: plain("Add"),
  sub: plain("Sub"),
  mul: plain("Mul"),
  div: plain("Div"),
  minimum: plain("Min"),
  maximum: plain("Max"),
  neg: plain("Neg"),
  abs: plain("Abs"),
  sqrt: plain("Sqrt"),
  square: (of, { writer }) => writer.graph.node("Mul", [first(of), first(of)]),
  exp: plain("Exp"),
  log: plain("Log"),
  softmax: plain("Softmax", { axis: -1 }),
  sum: reduction("ReduceSum"),
  mean: reduction("ReduceMean"),
  largest: reduction("ReduceMax"),
  smallest: reduction("ReduceMin"),
  matmul: plain("MatMul"),
  reshape: (of, { writer: { graph }, options }) =>
    graph.node("Reshape", [first(of), graph.integers(options["shape"] as readonly number[])]),
  transpose: (of, { writer: { graph }, shapes, options }) => {
    const reversed = (shapes[0] ?? []).map((_, k, all) => all.length - 1 - k);
    return graph.node("Transpose", of, {
      perm: (options["order"] as readonly number[] | undefined) ?? reversed,
    });
  },
  slice: (of, { writer: { graph }, options }) => {
    const { axis, start, length } = options as Record<"axis" | "start" | "length", number>;
    const parts = [[start], [start + length], [axis]].map((list) => graph.integers(list));
    return graph.node("Slice", [first(of), ...parts]);
  },
  concat: (of, { writer: { graph }, options }) =>
    graph.node("Concat", of, { axis: options["axis"] as number }),
  real: plain("Cast", { to: 1 }),
  dense: (of, { writer, id, options }) => writer.dense(id, first(of), options["bias"] !== false),
  convolution: (of, { writer, id, options }) => {
    const block = { ...options, kind: "convolution" } as Extract<Block, { kind: "convolution" }>;
    return channelsFirst(writer, first(of), (x) => writer.convolution(id, block, x));
  },
  maxPool: pool("MaxPool"),
  averagePool: pool("AveragePool", { count_include_pad: 1 }),
  globalPool: plain("ReduceMean", { axes: [1, 2], keepdims: 0 }),
  layerNorm: (of, { writer, id }) => writer.layerNorm(id, first(of)),
  batchNorm: (of, { writer, id }) => {
    const { graph } = writer;
    const part = (name: string): Value => writer.parameter(`${id}.${name}`);
    const spread = graph.node("Sqrt", [graph.node("Add", [part("variance"), graph.real(EPSILON)])]);
    const centred = graph.node("Sub", [first(of), part("mean")]);
    const scaled = graph.node("Mul", [graph.node("Div", [centred, spread]), part("scale")]);
    return graph.node("Add", [scaled, part("offset")]);
  },
  embedding: (of, { writer, id }) =>
    writer.graph.node("Gather", [writer.parameter(`${id}.weight`), first(of)], { axis: 0 }),
  attention: (of, { writer, id, shapes, options }) => {
    const [, context = 1, width = 1] = shapes[0] ?? [];
    const { heads, causal } = options as { heads: number; causal: boolean };
    return writer.attention(id, { context, width, heads, causal }, first(of));
  },
  dropout: (of) => first(of),
};

const emitNode = (
  writer: OnnxWriter,
  values: ReadonlyMap<string, Value>,
  node: NetworkNode,
): Value => {
  const emit = EMIT[node.kind];
  if (emit === undefined)
    throw unsupported(
      `${node.place}: the operation "${node.kind}" has no form in ONNX files yet`,
      "export a node before it with --output, or load the model.safetensors itself",
    );
  const of = node.operands.map((from) =>
    typeof from === "number" ? writer.graph.real(from) : (values.get(from) as Value),
  );
  return emit(of, { writer, ...node });
};

/**
 * The bytes of an ONNX file of a graph's network: its inputs by their names to `logits`, the chosen node. Throws
 * EXPORT_UNSUPPORTED with the place for an operation that has no form there, or an output that is not one row of real numbers a
 * row, and EXPORT_TENSOR_MISSING.
 */
export const onnxGraphFile = (
  network: GraphNetwork,
  tensors: readonly NamedWords[],
  lora?: LoraOptions,
): Uint8Array<ArrayBuffer> => {
  const { inputs, nodes, output } = network;
  const [rows] = inputs[0]?.shape ?? [];
  if (output.dtype !== "f32" || output.shape[0] !== rows)
    throw unsupported(
      `the node "${output.id}" is ${output.dtype}[${output.shape.join()}], not real numbers for each row`,
      "export another node with --output",
    );
  const writer = new OnnxWriter(lora, tensors);
  const values = new Map<string, Value>(inputs.map(({ name }) => [name, name]));
  for (const node of nodes) values.set(node.id, emitNode(writer, values, node));
  return writer.graph.finish(
    "graph",
    inputs.map(({ name, dtype, shape }) => ({ name, dtype, rest: shape.slice(1) })),
    { value: values.get(output.id) as Value, rest: output.shape.slice(1) },
  );
};
