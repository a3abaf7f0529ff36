/** The last move of a provider: one element under a root that the game knows. */
import type { Claims, Position, TensorProof } from "@assay/protocol/domain/disputes";
import { ABSENT, type Hex } from "@assay/protocol/commitments/hash";
import { CHUNK_ELEMENTS, chunkCount, chunkLeaves } from "@assay/protocol/commitments/tensor";
import { HashTree } from "@assay/protocol/commitments/tree";
import { committed } from "../../data/dataset.ts";
import { elements } from "../../ir/shape.ts";
import { DTYPE, type Shape } from "../../ir/types.ts";
import { type MemorySource, readingAt } from "../../reference/scalar.ts";
import { opAt, parameters, typesOf } from "../descent/course.ts";
import type { Section } from "../descent/positions.ts";
import { chunkHex, treeOf, type Views } from "../descent/views.ts";
import { nodeHasher } from "../hasher.ts";
import { accumulators, foldAt, outputRoots, sectionOf } from "./level.ts";

/** What is asked for is fixed by the op itself. */
const NOTHING: TensorProof = {
  state: ABSENT,
  stateProof: [],
  root: ABSENT,
  rootProof: [],
  dtype: 0,
  rank: 0,
  dims: 0n,
  chunks: ABSENT,
  chunkProof: [],
  chunk: "0x",
  table: false,
};

const ACCUMULATOR = 6;
const ROWS = 3;

const packDims = (shape: Shape): bigint =>
  shape.reduce((all, size, d) => all | (BigInt(size) << BigInt(96 - 32 * d)), 0n);

/** A tensor that the op reads, under its root; `words` are what it holds. */
async function tensorAt(views: Views, p: Position, source: MemorySource) {
  const section = sectionOf(views, p);
  const { dtype, shape } = typesOf(views.course, section)(source);
  const chunks = await views.tensorTree(section, p.op, source);
  const proof: TensorProof = {
    ...NOTHING,
    ...(await placeOf(views, p, section, source)),
    dtype: DTYPE[dtype],
    rank: shape.length,
    dims: packDims(shape),
    chunks: chunks.root,
  };
  const chunk = (i: number): Promise<Hex> => views.chunk(section, p.op, source, i);
  return { proof, chunks, size: elements(shape), chunk };
}

/** The tensor's root under the list, state or inputs that bind it. */
async function placeOf(
  views: Views,
  p: Position,
  section: Section,
  { kind, index }: MemorySource,
): Promise<Pick<TensorProof, "root" | "rootProof"> & Partial<TensorProof>> {
  const under = (tree: HashTree) => ({
    root: leafOf(tree, index),
    rootProof: tree.proof(index),
  });
  if (kind === "value")
    return under(treeOf((await outputRoots(views, section)).slice(0, p.lastOp)));
  if (kind !== "state") return under(await views.inputTree(kind));
  const [{ roots }, previous] = [await views.before(section), await views.previous(section)];
  return { ...under(treeOf(roots)), state: previous.root, stateProof: previous.proof };
}

const leafOf = (tree: HashTree, index: number): Hex => {
  const path: number[] = [];
  for (let d = tree.depth, place = index; d > 0; d--, place = Math.floor(place / 16))
    path.unshift(place % 16);
  return tree.node(path);
};

/** Proves the claim that was pointed at, which must be right. */
export async function proofOf(views: Views, p: Position, claims: Claims): Promise<TensorProof> {
  if (p.claim === ACCUMULATOR) return accumulatorProof(views, p);
  const k = p.claim % ROWS;
  const ofRow = p.claim >= ROWS;
  const op = opAt(views.course, sectionOf(views, p), p.op);
  const { row, value } = readingAt(op, k, p.element, p.term, claims.rows[k] ?? 0);
  if ((ofRow ? row : value) === undefined) return NOTHING;
  if (row !== undefined) {
    const table = await tensorAt(views, p, row.source);
    if (isOutside(row.address, table.size)) return { ...table.proof, table: true };
    if (ofRow) return element(table, row.address);
  }
  if (value === undefined) return NOTHING;
  const own = await tensorAt(views, p, value.source);
  return isOutside(value.address, own.size) ? own.proof : element(own, value.address);
}

const isOutside = (address: number, size: number): boolean => address < 0 || address >= size;

const element = async (
  { proof, chunks, chunk }: Awaited<ReturnType<typeof tensorAt>>,
  address: number,
): Promise<TensorProof> => {
  const index = Math.floor(address / CHUNK_ELEMENTS);
  return { ...proof, chunkProof: await chunks.proof(index), chunk: await chunk(index) };
};

/** The accumulator before the first term of a chunk is the last of the chunk before. */
async function accumulatorProof(views: Views, p: Position): Promise<TensorProof> {
  if (p.accumulatorKnown) return NOTHING;
  const index = p.term / CHUNK_ELEMENTS - 1;
  const { tree } = await accumulators(views, p);
  const chunk = await views.accumulators(foldAt(views, p), index);
  return { ...NOTHING, chunkProof: tree.proof(index), chunk };
}

/** One chunk of a tensor of the model, under the model's root. Throws a RangeError where there is none. */
export async function modelChunk(
  views: Views,
  tensor: number,
  chunk: number,
): Promise<TensorProof> {
  const index = parameters(views.course)[tensor];
  const type = index === undefined ? undefined : views.course.program.state[index];
  const { words: state } = await views.checkpoint(views.course.intervals);
  const words = index === undefined ? undefined : state[index];
  if (type === undefined || words === undefined || chunk >= chunkCount(words.length))
    throw new RangeError(`no chunk ${chunk} of tensor ${tensor}`);
  const model = await views.modelTree();
  const chunks = new HashTree(nodeHasher, chunkLeaves(nodeHasher, committed(type, words)));
  return {
    ...NOTHING,
    root: leafOf(model, tensor),
    rootProof: model.proof(tensor),
    dtype: DTYPE[type.dtype],
    rank: type.shape.length,
    dims: packDims(type.shape),
    chunks: chunks.root,
    chunkProof: chunks.proof(chunk),
    chunk: chunkHex(words, chunk),
  };
}
