/** Layers as nodes of an ONNX graph, with the parameters of a model file. */
import { AssayError } from "@assay/protocol/errors";
import type { NamedWords } from "../data/safetensors.ts";
import { elements } from "../ir/shape.ts";
import type { Shape } from "../ir/types.ts";
import type { Block } from "../models/cnn.ts";
import type { Activation, LoraOptions } from "../models/layers.ts";
import { OnnxGraph, type Value } from "./onnx-graph.ts";

const EPSILON = 1e-5;
const MASKED = -1e30;

/** Writes layers as nodes. Parameters keep their names; those of convolutions are turned to ONNX's layout. */
export class OnnxWriter {
  readonly graph = new OnnxGraph();
  readonly #tensors: ReadonlyMap<string, NamedWords>;
  readonly #lora: LoraOptions | undefined;

  constructor(lora: LoraOptions | undefined, tensors: readonly NamedWords[]) {
    this.#lora = lora;
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
    const lora = this.#lora;
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

  /** Multi-head self-attention on `[n, context, width]`. */
  attention(
    name: string,
    shape: {
      readonly context: number;
      readonly width: number;
      readonly heads: number;
      readonly causal?: boolean;
    },
    x: Value,
  ): Value {
    const { graph } = this;
    const { context, width, heads, causal = true } = shape;
    const size = width / heads;
    const split = (part: string, perm: readonly number[]): Value => {
      const y = this.dense(`${name}.${part}`, x);
      const parts = graph.node("Reshape", [y, graph.integers([-1, context, heads, size])]);
      return graph.node("Transpose", [parts], { perm });
    };
    const products = graph.node("MatMul", [
      split("query", [0, 2, 1, 3]),
      split("key", [0, 2, 3, 1]),
    ]);
    const scores = graph.node("Mul", [products, graph.real(1 / Math.sqrt(size))]);
    const seen = causal ? this.#masked(context, scores) : scores;
    const weights = graph.node("Softmax", [seen], { axis: 3 });
    const mixed = graph.node("MatMul", [weights, split("value", [0, 2, 1, 3])]);
    const rows = graph.node("Transpose", [mixed], { perm: [0, 2, 1, 3] });
    const joined = graph.node("Reshape", [rows, graph.integers([-1, context, width])]);
    return this.dense(`${name}.output`, joined);
  }

  #masked(context: number, scores: Value): Value {
    const later = this.graph.truths(
      [1, 1, context, context],
      (k) => Math.floor(k / context) < k % context,
    );
    return this.graph.node("Where", [later, this.graph.real(MASKED), scores]);
  }
}
