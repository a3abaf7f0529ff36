/** A small program that reads every kind of source, as it was signed, and evidence about it. */
import { encodeHeader, encodeOp } from "@assay/engine/ir/encode";
import { type PrimitiveName, primitive } from "@assay/engine/ir/primitives";
import {
  DTYPE,
  type DType,
  type NamedTensor,
  type Op,
  type OpList,
  type Operand,
  type Program,
  type Source,
  type StateTensor,
  type TensorType,
  UNCHANGED,
} from "@assay/engine/ir/types";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { opLeaf, programRootOf } from "@assay/protocol/commitments/bindings";
import { ABSENT, type Hex, toHex } from "@assay/protocol/commitments/hash";
import { tensorRootOf } from "@assay/protocol/commitments/tensor";

import { root } from "../market.ts";
import { LISTS, listTree } from "./run.ts";

export const read = (source: Source, changes: Partial<Operand> = {}): Operand => ({
  source,
  offset: 0,
  strides: [1],
  guards: [],
  indirection: null,
  ...changes,
});
export const value = (index: number): Source => ({ kind: "value", index });
export const state = (index: number): Source => ({ kind: "state", index });
export const data = (index: number): Source => ({ kind: "data", index });
export const parent = (index: number): Source => ({ kind: "parent", index });
export const one = (dtype: DType): Source => ({ kind: "immediate", dtype, bits: 1 });
export const fixed = (source: Source): Operand => read(source, { strides: [0] });
const map = (name: PrimitiveName, dtype: DType, operands: readonly Operand[]): Op => ({
  form: "map",
  opcode: primitive(name).opcode,
  out: { dtype, shape: [4] },
  operands,
});
export const rows = (source: Source): Operand["indirection"] =>
  "index" in source ? { source, offset: 0, strides: [1], rowStride: 1, limit: 4 } : null;
export const picked = (from: Source, by: Source): Operand =>
  read(from, { strides: [0], indirection: rows(by) });

const column = (name: string, dtype: DType): NamedTensor => ({ name, dtype, shape: [4] });
const held = (name: string, dtype: DType, initOp: number, stepOp: number): StateTensor => ({
  ...column(name, dtype),
  parameter: true,
  initOp,
  stepOp,
});

/** Reads each kind of source, with rows of each kind too. */
export const variedProgram: Program = {
  numerics: "f32-1",
  steps: 8,
  interval: 4,
  data: [column("x", "f32"), column("order", "i32")],
  parent: [column("w", "f32"), column("at", "i32")],
  state: [held("w", "f32", 1, 1), held("count", "i32", 0, 0), held("still", "f32", 1, UNCHANGED)],
  init: [
    map("copy", "i32", [fixed(one("i32"))]),
    map("mul", "f32", [picked(parent(0), value(0)), picked(data(0), parent(1))]),
  ],
  step: [
    map("iadd", "i32", [read(state(1)), fixed({ kind: "step" })]),
    map("add", "f32", [picked(state(0), value(0)), picked(parent(0), data(1))]),
  ],
  eval: [
    map("iadd", "i32", [read({ kind: "index" }), fixed(one("i32"))]),
    map("sub", "f32", [picked(state(2), state(1)), picked(data(0), value(0))]),
  ],
  outputs: [{ name: "loss", op: 1 }],
};

/** What stands at some place of a list instead of an op's own encoding. */
type Bytes = ReadonlyMap<string, Uint8Array>;

export const packed = (shape: readonly number[]): bigint =>
  shape.reduce((all, size, d) => all | (BigInt(size) << BigInt(96 - 32 * d)), 0n);

/** A program as it was signed, with its inputs, and evidence about it. */
export class Signed {
  readonly program: Program;
  readonly #header: Uint8Array;
  readonly #bytes: Bytes;
  readonly #roots: Record<"data" | "parent", readonly Hex[]>;

  constructor(
    changes: Partial<Program> = {},
    bytes: Bytes = new Map(),
    inputs: Partial<Record<"data" | "parent", readonly Hex[]>> = {},
  ) {
    this.program = { ...variedProgram, ...changes };
    this.#header = encodeHeader(this.program);
    this.#bytes = bytes;
    this.#roots = {
      data: columns(variedProgram.data),
      parent: columns(variedProgram.parent),
      ...inputs,
    };
  }

  opBytes(list: OpList, index: number): Uint8Array {
    const op = this.program[list][index];
    const own = op === undefined ? new Uint8Array() : encodeOp(op);
    return this.#bytes.get(`${list} ${index}`) ?? own;
  }

  tree(list: OpList) {
    const leaves = this.program[list].map((_, i) =>
      opLeaf(nodeHasher, list, i, this.opBytes(list, i)),
    );
    return listTree(leaves);
  }

  shownOp(list: OpList, index: number) {
    return { op: this.opBytes(list, index), proof: this.tree(list).proof(index) };
  }

  /** The op with the ops that make what it reads. */
  about(list: OpList, index: number) {
    const op = this.program[list][index];
    const source = (of: Source | undefined) =>
      of?.kind === "value" && of.index < index ? this.shownOp(list, of.index) : NOTHING;
    const sources = [0, 1, 2].flatMap((k) => {
      const operand = op?.operands[k];
      return [source(operand?.source), source(operand?.indirection?.source)];
    });
    return { list: LISTS.indexOf(list), index, ...this.shownOp(list, index), sources };
  }

  input(kind: "data" | "parent", tensor: number, type: TensorType = variedProgram[kind][tensor]!) {
    const { dtype, shape } = type;
    return {
      tensor,
      columnProof: listTree(this.#roots[kind]).proof(tensor),
      dtype: DTYPE[dtype],
      rank: shape.length,
      dims: packed(shape),
      chunks: root("chunks"),
    };
  }

  /** Arguments of `isAtFault`; `signed` is what the request says otherwise. */
  question(place: number, changes: object = {}, signed: object = {}): readonly unknown[] {
    const [init, step, evaluation] = LISTS.map((list) => this.tree(list).root) as [Hex, Hex, Hex];
    const roots = { initRoot: init, stepRoot: step, evalRoot: evaluation };
    const evidence = {
      place,
      header: toHex(this.#header),
      lists: { init, step, eval: evaluation },
      list: 1,
      index: 0,
      ...NOTHING,
      sources: Array.from({ length: 6 }, () => NOTHING),
      tensor: 0,
      columnProof: [],
      dtype: 0,
      rank: 0,
      dims: 0n,
      chunks: ABSENT,
      ...changes,
    };
    const { steps, interval, programRoot, dataRoot, parentRoot } = {
      steps: variedProgram.steps,
      interval: variedProgram.interval,
      programRoot: programRootOf(nodeHasher, { header: this.#header, ...roots }),
      dataRoot: listTree(this.#roots.data).root,
      parentRoot: listTree(this.#roots.parent).root,
      ...signed,
    };
    return [programRoot, dataRoot, parentRoot, steps, interval, evidence];
  }
}

export const NOTHING = { op: "0x" as string | Uint8Array, proof: [] as Hex[][] };
export const columnRoot = ({ dtype, shape }: TensorType): Hex =>
  tensorRootOf(nodeHasher, DTYPE[dtype], shape, root("chunks"));
export const columns = (types: readonly TensorType[]): Hex[] => types.map(columnRoot);
