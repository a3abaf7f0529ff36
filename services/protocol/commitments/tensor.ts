/** Commitment of one tensor: a header over the tree of its chunks of 256 elements (1 KiB). */
import { type Hasher, type Hex, fromHex, hashOf, toHex, u32 } from "./hash.ts";
import { TAG } from "./tags.ts";
import { ARITY, flatTreeRoot, levelAbove } from "./tree.ts";

export const CHUNK_ELEMENTS = 256;
const CHUNK_BYTES = 4 * CHUNK_ELEMENTS;
const HEADER = 10;

/** A tensor as the commitment sees it: every element is 4 bytes, little-endian. */
export interface CommittedTensor {
  /** 0 for f32, 1 for i32. */
  readonly dtype: number;
  /** At most four dimensions. */
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export const chunkCount = (elements: number): number => Math.ceil(elements / CHUNK_ELEMENTS);

const message = new Uint8Array(HEADER + CHUNK_BYTES);
const view = new DataView(message.buffer);
const full = message.subarray(0, HEADER + CHUNK_BYTES);

function hashChunk(
  hasher: Hasher,
  dtype: number,
  index: number,
  chunk: Uint8Array,
  target: Uint8Array,
  at: number,
) {
  view.setUint8(0, TAG.chunk);
  view.setUint8(1, dtype);
  view.setUint32(2, index);
  view.setUint32(6, chunk.length);
  message.set(chunk, HEADER);
  hasher.into(
    chunk.length === CHUNK_BYTES ? full : message.subarray(0, HEADER + chunk.length),
    target,
    at,
  );
}

/** `H(0x00 ‖ dtype ‖ chunkIndex u32 ‖ byteLength u32 ‖ bytes)`, numbers big-endian. */
export function chunkLeaf(hasher: Hasher, dtype: number, index: number, chunk: Uint8Array): Hex {
  if (chunk.length > CHUNK_BYTES) throw new RangeError(`a chunk has at most ${CHUNK_BYTES} bytes`);
  const leaf = new Uint8Array(32);
  hashChunk(hasher, dtype, index, chunk, leaf, 0);
  return toHex(leaf);
}

/** All chunk leaves of a tensor, 32 bytes each, one after the other. */
export function chunkLeaves(hasher: Hasher, tensor: CommittedTensor): Uint8Array {
  const elements = tensor.shape.reduce((product, dimension) => product * dimension, 1);
  if (tensor.bytes.length !== 4 * elements) {
    throw new RangeError(`${tensor.bytes.length} bytes for ${elements} elements of 4 bytes`);
  }
  return chunkLeavesFrom(hasher, tensor.dtype, 0, tensor.bytes);
}

/** Leaves of the chunks from `first` on, of which `bytes` holds all elements; 32 bytes each. */
export function chunkLeavesFrom(
  hasher: Hasher,
  dtype: number,
  first: number,
  bytes: Uint8Array,
): Uint8Array {
  const count = Math.ceil(bytes.length / CHUNK_BYTES);
  const leaves = new Uint8Array(32 * count);
  for (let i = 0; i < count; i++) {
    const chunk = bytes.subarray(CHUNK_BYTES * i, CHUNK_BYTES * (i + 1));
    hashChunk(hasher, dtype, first + i, chunk, leaves, 32 * i);
  }
  return leaves;
}

/** `H(0x02 ‖ dtype ‖ rank ‖ 4 × dim u32, zero-padded ‖ chunkCount u32 ‖ treeRoot of the chunks)`. */
export function tensorRootOf(
  hasher: Hasher,
  dtype: number,
  shape: readonly number[],
  chunks: Hex,
): Hex {
  if (shape.length > 4)
    throw new RangeError(`a tensor has at most 4 dimensions, not ${shape.length}`);
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const dims = [0, 1, 2, 3].map((d) => u32(shape[d] ?? 0));
  const head = Uint8Array.of(TAG.tensor, dtype, shape.length);
  return hashOf(hasher, head, ...dims, u32(chunkCount(elements)), fromHex(chunks));
}

/** Root of a tensor. Throws a RangeError when bytes and shape disagree. */
export const tensorRoot = (hasher: Hasher, tensor: CommittedTensor): Hex =>
  tensorRootOf(
    hasher,
    tensor.dtype,
    tensor.shape,
    flatTreeRoot(hasher, chunkLeaves(hasher, tensor)),
  );

interface WaitingNodes {
  readonly nodes: Uint8Array;
  count: number;
}

/** Root of a tensor whose bytes come in pieces: keeps one unfinished chunk, and at most 16 hashes a level of the tree. */
export class TensorRootBuilder {
  readonly #hasher: Hasher;
  readonly #dtype: number;
  readonly #rest = new Uint8Array(CHUNK_BYTES);
  #held = 0;
  #chunks = 0;
  /** Nodes of each level that wait for their siblings, and how many there were. */
  readonly #levels: WaitingNodes[] = [];

  constructor(hasher: Hasher, dtype: number) {
    this.#hasher = hasher;
    this.#dtype = dtype;
  }

  append(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#held === 0 && bytes.length - at >= CHUNK_BYTES) {
        this.#chunk(bytes.subarray(at, at + CHUNK_BYTES));
        at += CHUNK_BYTES;
        continue;
      }
      const part = bytes.subarray(at, at + CHUNK_BYTES - this.#held);
      this.#rest.set(part, this.#held);
      this.#held += part.length;
      at += part.length;
      if (this.#held < CHUNK_BYTES) continue;
      this.#held = 0;
      this.#chunk(this.#rest);
    }
  }

  /** The root, once; nothing can be appended afterwards. Throws a RangeError when bytes and shape disagree. */
  finish(shape: readonly number[]): Hex {
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    const bytes = this.#chunks * CHUNK_BYTES + this.#held;
    if (bytes !== 4 * elements)
      throw new RangeError(`${bytes} bytes for ${elements} elements of 4 bytes`);
    if (this.#held > 0) this.#chunk(this.#rest.subarray(0, this.#held));
    for (let level = 0; level < this.#levels.length; level++) {
      const { nodes, count } = this.#levels[level] as WaitingNodes;
      const waiting = nodes.subarray(0, 32 * count);
      if (level === this.#levels.length - 1 && count <= 1)
        return tensorRootOf(this.#hasher, this.#dtype, shape, toHex(waiting));
      if (count > 0) this.#push(level + 1, levelAbove(this.#hasher, waiting));
    }
    return tensorRootOf(this.#hasher, this.#dtype, shape, toHex(new Uint8Array(32)));
  }

  #chunk(chunk: Uint8Array): void {
    const leaf = new Uint8Array(32);
    hashChunk(this.#hasher, this.#dtype, this.#chunks++, chunk, leaf, 0);
    this.#push(0, leaf);
  }

  #push(level: number, node: Uint8Array): void {
    const own = (this.#levels[level] ??= { nodes: new Uint8Array(32 * ARITY), count: 0 });
    if (own.count === ARITY) {
      own.count = 0;
      this.#push(level + 1, levelAbove(this.#hasher, own.nodes));
    }
    own.nodes.set(node, 32 * own.count++);
  }
}
