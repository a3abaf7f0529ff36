/** Puts an ONNX graph together (onnx.proto of ONNX 1.15, operator set 17): nodes, constants, one input and one output. */
import type { Words } from "../backend.ts";
import { elements } from "../ir/shape.ts";
import type { DType, Shape } from "../ir/types.ts";
import { Message } from "./protobuf.ts";

const OPERATORS = 17;
/** Version of the file format. */
const FORMAT = 8;

/** `TensorProto.DataType`. */
const TYPE = { f32: 1, i32: 6, i64: 7, bool: 9 } as const;
type ValueType = keyof typeof TYPE;

/** `AttributeProto.AttributeType` and the field of the value. */
const attributeOf = (
  name: string,
  value: number | readonly number[] | { float: number },
): Message => {
  const attribute = new Message().text(1, name);
  if (typeof value === "number") return attribute.integer(3, value).integer(20, 2);
  if ("float" in value) return attribute.float(2, value.float).integer(20, 1);
  for (const item of value) attribute.integer(8, item);
  return attribute.integer(20, 7);
};

export type Attributes = Readonly<Record<string, number | readonly number[] | { float: number }>>;

/** The name of a value in the graph. */
export type Value = string;

export class OnnxGraph {
  readonly #nodes: Message[] = [];
  readonly #constants: Message[] = [];
  #count = 0;

  /** The single output of a new node. */
  node(operator: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    const output = `${operator}_${++this.#count}`;
    const node = new Message();
    for (const input of inputs) node.text(1, input);
    node.text(2, output).text(3, output).text(4, operator);
    for (const [name, value] of Object.entries(attributes))
      node.message(5, attributeOf(name, value));
    this.#nodes.push(node);
    return output;
  }

  /** A tensor that is part of the file. */
  constant(name: string, dtype: DType, shape: Shape, words: Words): Value {
    return this.#constant(
      name,
      dtype,
      shape,
      new Uint8Array(words.buffer, words.byteOffset, words.byteLength),
    );
  }

  reals(name: string, shape: Shape, values: Float32Array<ArrayBuffer>): Value {
    return this.constant(
      name,
      "f32",
      shape,
      new Uint32Array(values.buffer, values.byteOffset, values.length),
    );
  }

  real(value: number): Value {
    return this.reals(`real_${++this.#count}`, [], Float32Array.of(value));
  }

  /** A list of whole numbers, such as a shape. */
  integers(values: readonly number[]): Value {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.#constant(`integers_${++this.#count}`, "i64", [values.length], bytes);
  }

  /** Truth values of any shape. */
  truths(shape: Shape, value: (element: number) => boolean): Value {
    const bytes = Uint8Array.from({ length: elements(shape) }, (_, k) => (value(k) ? 1 : 0));
    return this.#constant(`truths_${++this.#count}`, "bool", shape, bytes);
  }

  #constant(name: string, type: ValueType, shape: Shape, bytes: Uint8Array): Value {
    const tensor = new Message();
    for (const size of shape) tensor.integer(1, size);
    this.#constants.push(tensor.integer(2, TYPE[type]).text(8, name).bytes(9, bytes));
    return name;
  }

  /** The file; the first dimension of inputs and output is called `n` and may have any size. */
  finish(
    name: string,
    inputs: readonly { readonly name: string; readonly dtype: DType; readonly rest: Shape }[],
    output: { readonly value: Value; readonly rest: Shape },
  ): Uint8Array<ArrayBuffer> {
    const logits = "logits";
    this.#nodes.push(new Message().text(1, output.value).text(2, logits).text(4, "Identity"));
    const graph = new Message();
    for (const node of this.#nodes) graph.message(1, node);
    graph.text(2, name);
    for (const constant of this.#constants) graph.message(5, constant);
    for (const { name: input, dtype, rest } of inputs)
      graph.message(11, valueOf(input, dtype, rest));
    graph.message(12, valueOf(logits, "f32", output.rest));
    return new Message()
      .integer(1, FORMAT)
      .text(2, "assay")
      .message(7, graph)
      .message(8, new Message().text(1, "").integer(2, OPERATORS))
      .finish();
  }
}

const valueOf = (name: string, dtype: DType, rest: Shape): Message => {
  const shape = new Message().message(1, new Message().text(2, "n"));
  for (const size of rest) shape.message(1, new Message().integer(1, size));
  const tensor = new Message().integer(1, TYPE[dtype]).message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
};
