/**
 * What the answers of a descent are read from: states, trees and outputs of a run, made when they are asked for and kept in a
 * bounded cache.
 */
import { assemblyNodes } from "@assay/protocol/commitments/assembly";
import { traceHeader, type TraceHeader } from "@assay/protocol/commitments/bindings";
import { ABSENT, type Hex, packRoots, toHex } from "@assay/protocol/commitments/hash";
import {
  CHUNK_ELEMENTS,
  chunkCount,
  chunkLeaf,
  chunkLeaves,
  chunkLeavesFrom,
  tensorRootOf,
} from "@assay/protocol/commitments/tensor";
import { HashTree } from "@assay/protocol/commitments/tree";
import type { Column, Words } from "../../backend.ts";
import { type ColumnReader, isInFile, openColumn } from "../../columns/column.ts";
import { committed } from "../../data/dataset.ts";
import { terms } from "../../ir/shape.ts";
import { DTYPE } from "../../ir/types.ts";
import type { MemorySource, ScalarSources } from "../../reference/scalar.ts";
import { nodeHasher } from "../hasher.ts";
import { evalRoot, stateRoots } from "../roots.ts";
import { BlockTree } from "./block-tree.ts";
import { BoundedCache } from "./cache.ts";
import {
  type Course,
  evaluates,
  opAt,
  parameters,
  resultSources,
  stepOf,
  stepsIn,
  treeLeaves,
  typesOf,
} from "./course.ts";
import type { PreviousState } from "./openings.ts";
import type { Section } from "./positions.ts";
import { Rebuild, type RebuildParts } from "./rebuild.ts";

const CHUNK_BYTES = 4 * CHUNK_ELEMENTS;
/** A root as text. */
const ROOT_BYTES = 2 * 66;
/** A leaf and its share of the nodes above. */
const LEAF_BYTES = 35;

export interface StateView {
  readonly words: readonly Words[];
  readonly roots: readonly Hex[];
  readonly root: Hex;
}

/** One output element of one op. */
export interface ElementAt {
  readonly section: Section;
  readonly op: number;
  readonly element: number;
}

/** The chunks of a fold's accumulators at one element. */
interface FoldView {
  /** Of all chunks but the last. */
  readonly tree: HashTree;
  readonly lastChunk: Hex;
}

/** The tree over roots. */
export const treeOf = (leaves: readonly Hex[]): HashTree =>
  new HashTree(nodeHasher, packRoots(leaves));

const bytesOf = (words: Words): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength);

/** Bytes of one chunk of a tensor. */
export const chunkHex = (words: Words, chunk: number): Hex =>
  toHex(bytesOf(words).subarray(CHUNK_BYTES * chunk, CHUNK_BYTES * (chunk + 1)));

const wordsBytes = (tensors: Iterable<Words>): number => {
  let bytes = 0;
  for (const words of tensors) bytes += words.byteLength;
  return bytes;
};

/** Leaves of the chunks `from` to `to` (exclusive) of a column. */
const columnLeaves = (column: ColumnReader, dtype: number, from: number, to: number) => {
  const first = CHUNK_ELEMENTS * from;
  const words = new Uint32Array(Math.min(CHUNK_ELEMENTS * to, column.length) - first);
  column.read(first, words);
  return chunkLeavesFrom(nodeHasher, dtype, from, bytesOf(words));
};

/** Text that names a section, for cache keys. */
const nameOf = (section: Section): string =>
  section.list === "step" ? `step ${section.interval} ${section.step}` : section.list;

export class Views {
  readonly course: Course;
  readonly #parts: RebuildParts;
  readonly #rebuild: Rebuild;
  readonly #cache: BoundedCache;
  /** The columns in files that were asked for. */
  readonly #columns = new Map<number, ColumnReader>();

  constructor(parts: RebuildParts, cacheBytes: number) {
    this.course = parts.course;
    this.#parts = parts;
    this.#rebuild = new Rebuild(parts);
    this.#cache = new BoundedCache(cacheBytes);
  }

  close(): void {
    for (const reader of this.#columns.values()) reader.close();
    this.#columns.clear();
    this.#rebuild.close();
    this.#cache.clear();
  }

  /** Root of `C_index`. */
  checkpointRoot(index: number): Hex {
    return this.#parts.checkpoints.roots[index] as Hex;
  }

  header(): Promise<TraceHeader> {
    return this.#cache.get("header", async () => {
      const { program } = this.course;
      const evaluation = evaluates(this.course)
        ? evalRoot(program, await this.#rebuild.evaluate())
        : ABSENT;
      const modelRoot = (await this.modelTree()).root;
      const checkpoints = this.#parts.checkpoints.roots;
      const value = traceHeader(nodeHasher, { checkpoints, modelRoot, evalRoot: evaluation });
      return { value, bytes: 3 * ROOT_BYTES };
    });
  }

  /** Tree over `C_0 … C_{n−1}`. */
  prefix(): Promise<HashTree> {
    return this.#cache.get("prefix", async () => {
      const value = treeOf(this.#parts.checkpoints.roots.slice(0, -1));
      return { value, bytes: LEAF_BYTES * value.count };
    });
  }

  /** Tree over the parameter tensors of `C_n`. */
  async modelTree(): Promise<HashTree> {
    const { roots } = await this.checkpoint(this.course.intervals);
    return treeOf(parameters(this.course).map((s) => roots[s] as Hex));
  }

  checkpoint(index: number): Promise<StateView> {
    return this.#state(`C ${index}`, () => this.#rebuild.checkpoint(index));
  }

  /** State that a section's ops read; `init` has none. */
  async before(section: Section): Promise<StateView> {
    if (section.list === "init") return { words: [], roots: [], root: ABSENT };
    if (section.list === "eval") return this.checkpoint(this.course.intervals);
    if (section.step === 0) return this.checkpoint(section.interval - 1);
    return this.#state(nameOf(section), () => this.#rebuild.after(section.interval, section.step));
  }

  /** The root of that state under what binds it. */
  async previous(section: Section): Promise<PreviousState> {
    const { root } = await this.before(section);
    if (section.list !== "step") return { root, proof: [] };
    const { interval, step } = section;
    const proof =
      step === 0
        ? (await this.prefix()).proof(interval - 1)
        : await (await this.steps(interval)).proof(step - 1);
    return { root, proof };
  }

  /** Tree over the states of an interval but the last. */
  steps(interval: number): Promise<BlockTree> {
    return this.#cache.get(`steps ${interval}`, async () => {
      const value = await BlockTree.build(
        nodeHasher,
        stepsIn(this.course, interval) - 1,
        (from, to) => this.#rebuild.stateLeaves(interval, from, to),
      );
      return { value, bytes: value.bytes };
    });
  }

  /** Leaves of the op level: outputs, then assembly nodes. */
  opLeaves(section: Section): Promise<readonly Hex[]> {
    return this.#cache.get(`ops ${nameOf(section)}`, async () => {
      const before = await this.before(section);
      const outputs = await this.#rebuild.outputRoots(section, before.words);
      const result = resultSources(this.course, section).map(
        ({ kind, index }) => (kind === "value" ? outputs : before.roots)[index] as Hex,
      );
      const value = [...outputs, ...assemblyNodes(nodeHasher, result)];
      return { value, bytes: ROOT_BYTES * value.length };
    });
  }

  /** Tree over those leaves but the last. */
  async opTree(section: Section): Promise<HashTree> {
    return treeOf((await this.opLeaves(section)).slice(0, -1));
  }

  /** Bytes of a chunk of a tensor that op `reader` of a section reads or, as value `reader`, gives. */
  async chunk(section: Section, reader: number, source: MemorySource, chunk: number): Promise<Hex> {
    const column = this.#inFile(source);
    if (column === undefined) return chunkHex(await this.#tensor(section, reader, source), chunk);
    const first = CHUNK_ELEMENTS * chunk;
    const words = new Uint32Array(Math.min(CHUNK_ELEMENTS, column.length - first));
    column.read(first, words);
    return toHex(bytesOf(words));
  }

  /** The tree over the chunks of such a tensor. */
  tensorTree(
    section: Section,
    reader: number,
    source: MemorySource,
  ): Promise<HashTree | BlockTree> {
    const { kind, index } = source;
    const scope = kind === "data" || kind === "parent" ? "" : nameOf(section);
    return this.#cache.get<HashTree | BlockTree>(`chunks ${kind} ${index} ${scope}`, async () => {
      const type = typesOf(this.course, section)(source);
      const column = this.#inFile(source);
      if (column !== undefined) {
        const value = await BlockTree.build(
          nodeHasher,
          chunkCount(column.length),
          async (from, to) => columnLeaves(column, DTYPE[type.dtype], from, to),
        );
        return { value, bytes: value.bytes };
      }
      const words = await this.#tensor(section, reader, source);
      const value = new HashTree(nodeHasher, chunkLeaves(nodeHasher, committed(type, words)));
      return { value, bytes: LEAF_BYTES * value.count };
    });
  }

  /** The tree over the data set's columns or the parent's tensors. */
  inputTree(kind: "data" | "parent"): Promise<HashTree> {
    return this.#cache.get(kind, async () => {
      const roots: Hex[] = [];
      for (const [index, type] of this.course.program[kind].entries()) {
        const chunks = await this.tensorTree({ list: "init" }, 0, { kind, index });
        roots.push(tensorRootOf(nodeHasher, DTYPE[type.dtype], type.shape, chunks.root));
      }
      return { value: treeOf(roots), bytes: LEAF_BYTES * roots.length };
    });
  }

  /** What op `reader` of a section reads, element by element. */
  async memory(section: Section, reader: number): Promise<ScalarSources> {
    const { inputs } = this.#parts;
    const outputs = await this.#outputs(section, reader);
    const { words } = await this.before(section);
    return {
      typeOf: typesOf(this.course, section),
      step: stepOf(this.course, section),
      seed: inputs.seed,
      read: (source, address) => {
        const { kind, index } = source;
        const column = this.#inFile(source);
        if (column !== undefined) {
          const element = new Uint32Array(1);
          column.read(address, element);
          return element[0] as number;
        }
        const tensor =
          kind === "value" ? outputs.get(index) : (kind === "state" ? words : inputs[kind])[index];
        return (tensor as Words | undefined)?.[address] as number;
      },
    };
  }

  /** One chunk of a fold's accumulators. */
  async accumulators(at: ElementAt, chunk: number): Promise<Hex> {
    let found: Hex = "0x";
    await this.#walkTerms(at, chunk, (bytes, index) => {
      if (index === chunk) found = toHex(bytes);
    });
    return found;
  }

  fold(at: ElementAt): Promise<FoldView> {
    const { section, op, element } = at;
    return this.#cache.get(`terms ${nameOf(section)} ${op} ${element}`, async () => {
      const { dtype } = opAt(this.course, section, op).out;
      const count = treeLeaves(this.course, { kind: "terms", section, op, element, path: [] });
      const leaves: Hex[] = [];
      let lastChunk: Hex = "0x";
      await this.#walkTerms(at, count, (bytes, index) => {
        if (index === count) lastChunk = toHex(bytes);
        else leaves.push(chunkLeaf(nodeHasher, DTYPE[dtype], index, bytes));
      });
      const bytes = LEAF_BYTES * count + 2 * CHUNK_BYTES;
      return { value: { tree: treeOf(leaves), lastChunk }, bytes };
    });
  }

  async #tensor(section: Section, reader: number, { kind, index }: MemorySource): Promise<Words> {
    if (kind === "value") return (await this.#outputs(section, reader)).get(index) as Words;
    const tensors =
      kind === "state" ? (await this.before(section)).words : this.#parts.inputs[kind];
    return tensors[index] as Words;
  }

  /** The column that a source names, where it lies in a file. */
  #inFile({ kind, index }: MemorySource): ColumnReader | undefined {
    if (kind !== "data") return undefined;
    const column = this.#parts.inputs.data[index] as Column;
    if (!isInFile(column)) return undefined;
    const known = this.#columns.get(index);
    if (known !== undefined) return known;
    const reader = openColumn(column);
    this.#columns.set(index, reader);
    return reader;
  }

  #state(key: string, load: () => Promise<readonly Words[]>): Promise<StateView> {
    return this.#cache.get(`state ${key}`, async () => {
      const words = await load();
      const { tensorRoots, stateRoot } = stateRoots(this.course.program, words);
      const bytes = wordsBytes(words) + ROOT_BYTES * words.length;
      return { value: { words, roots: tensorRoots, root: stateRoot }, bytes };
    });
  }

  /** The output of an op and of those it reads, from one walk. */
  #outputs(section: Section, op: number): Promise<ReadonlyMap<number, Words>> {
    return this.#cache.get(`outputs ${nameOf(section)} ${op}`, async () => {
      const { words } = await this.before(section);
      const value = await this.#rebuild.outputsAround(section, op, words);
      return { value, bytes: wordsBytes(value.values()) };
    });
  }

  /** Runs a fold up to chunk `until` of its accumulators, and shows every chunk on the way. */
  async #walkTerms(
    at: ElementAt,
    until: number,
    each: (bytes: Uint8Array, chunk: number) => void,
  ): Promise<void> {
    const op = opAt(this.course, at.section, at.op);
    const memory = await this.memory(at.section, at.op);
    const count = terms(op);
    const chunk = new Uint32Array(CHUNK_ELEMENTS);
    let term = 0;
    for (const bits of this.#parts.walker.accumulators(op, at.element, memory)) {
      chunk[term % CHUNK_ELEMENTS] = bits;
      term++;
      if (term % CHUNK_ELEMENTS !== 0 && term !== count) continue;
      const index = Math.ceil(term / CHUNK_ELEMENTS) - 1;
      each(bytesOf(chunk.subarray(0, term - index * CHUNK_ELEMENTS)), index);
      if (index === until) return;
    }
  }
}
