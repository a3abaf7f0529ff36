/**
 * A game about a run that nobody could make: of its trees only the ways to one scalar are there, all else is made up. Both sides
 * go down those ways, and every move is as large as in a real game about such a program.
 */
import { opLeaf, programRootOf } from "@assay/protocol/commitments/bindings";
import { ABSENT, type Hex, toHex } from "@assay/protocol/commitments/hash";
import { chunkCount, chunkLeaf, tensorRootOf } from "@assay/protocol/commitments/tensor";
import { encodeHeader, encodeOp } from "@assay/engine/ir/encode";
import { elements, terms } from "@assay/engine/ir/shape";
import { DTYPE, type Op, type Program, type Source, type TensorType } from "@assay/engine/ir/types";
import {
  type MemorySource,
  type ScalarSources,
  operandAt,
  scalarStep,
} from "@assay/engine/reference/scalar";
import { nodeHasher } from "@assay/engine/trace/hasher";

import {
  type Court,
  type Game,
  NO_CHILDREN,
  type SubmittedJob,
  TARGET,
  agreeJob,
  challenge,
  move,
  nextNonce,
} from "./court.ts";
import { SparseTree, madeUp } from "./sparse-tree.ts";
import { LEVEL, PHASE } from "./trees.ts";
import { connect, follow, root } from "../market.ts";

/** Where the game goes: an op of a step, one element, one term of it. */
export interface Spot {
  readonly checkpoint: number;
  /** Place of the step's state in the interval. */
  readonly state: number;
  readonly tensor: number;
  readonly op: number;
  readonly element: number;
  readonly term: number;
}

const SEED = 0x1234_5678_9abc_def0n;

/** Bits that a tensor has somewhere: an ordinary number, and a small one for an i32. */
const wordAt = ({ kind, index }: MemorySource, dtype: string, address: number): number => {
  const mixed = Math.imul(address + kind.length * 7919 + index * 104_729 + 1, 2_654_435_761) >>> 0;
  return dtype === "i32" ? mixed % 3 : (0x3f00_0000 | (mixed >>> 9)) >>> 0;
};

const opOf = (source: Source): number[] => (source.kind === "value" ? [source.index] : []);

/** What the proof of one claim shows. */
interface Shown {
  readonly source: MemorySource;
  readonly type: TensorType;
  /** The chunk, and its place. */
  readonly index: number;
  readonly chunk: Hex;
}

export class Synthetic {
  readonly program: Program;
  readonly spot: Spot;
  readonly op: Op;
  readonly header: Hex;
  readonly lists: { init: Hex; step: Hex; eval: Hex };
  readonly programRoot: Hex;
  readonly claims = { values: [0, 0, 0], rows: [0, 0, 0], accumulator: 0 };
  readonly #shown = new Map<number, Shown>();
  readonly #chunks = new Map<string, Map<number, Hex>>();
  readonly #tensors = new Map<string, SparseTree>();
  readonly #chunk: Hex;
  readonly #terms: Hex;
  readonly #trees: Readonly<
    Record<"prefix" | "steps" | "states" | "ops" | "program" | "chunks" | "terms", SparseTree>
  >;
  readonly #inputs: Readonly<Record<"data" | "parent" | "before", SparseTree>>;
  readonly #stateBefore: Hex;
  readonly #last: Hex;

  constructor(program: Program, spot: Spot) {
    this.program = program;
    this.spot = spot;
    const op = program.step[spot.op] as Op;
    this.op = op;
    // Ops whose outputs the disputed one reads may have to be shown too.
    const shownOps = [spot.op, ...op.operands.flatMap(({ source }) => opOf(source))];
    const leaves = new Map(
      shownOps.map((i) => [i, opLeaf(nodeHasher, "step", i, encodeOp(program.step[i] as Op))]),
    );
    const opTree = new SparseTree(program.step.length, leaves);
    const header = encodeHeader(program);
    this.header = toHex(header);
    const none = madeUp();
    this.lists = { init: none, step: opTree.root, eval: none };
    const { init, step, eval: evaluation } = this.lists;
    const parts = { header, initRoot: init, stepRoot: step, evalRoot: evaluation };
    this.programRoot = programRootOf(nodeHasher, parts);

    const values = this.#read();
    const count = terms(op);
    const before = wordAt({ kind: "value", index: 9 }, op.out.dtype, spot.term);
    const place = spot.term % 256;
    const start = op.form === "fold" && spot.term === 0 ? op.initial : before;
    const bits = scalarStep(op, start, values, SEED);
    this.claims.accumulator = place === 0 ? start : 0;

    const written = (place_: number, total: number, at: number, word: number, earlier?: number) => {
      const chunk = Buffer.alloc(4 * Math.min(256, total - 256 * Math.floor(at / 256)), 0x3f);
      if (earlier !== undefined && place_ > 0) chunk.writeUInt32LE(earlier, 4 * (place_ - 1));
      chunk.writeUInt32LE(word, 4 * place_);
      return chunk;
    };
    const fold = count > 1;
    const termChunk = written(place, count, spot.term, bits, before);
    const last = fold ? termChunk.readUInt32LE(termChunk.length - 4) : bits;
    const size = elements(op.out.shape);
    const elementChunk = written(spot.element % 256, size, spot.element, last);
    this.#chunk = toHex(elementChunk);
    this.#terms = toHex(termChunk);
    const dtype = DTYPE[op.out.dtype];
    const leafOf = (index: number, bytes: Buffer): [number, Hex] => [
      Math.floor(index / 256),
      chunkLeaf(nodeHasher, dtype, Math.floor(index / 256), bytes),
    ];
    const chunks = new SparseTree(chunkCount(size), new Map([leafOf(spot.element, elementChunk)]));
    const accumulators = new SparseTree(chunkCount(count), new Map([leafOf(spot.term, termChunk)]));

    const own = tensorRootOf(nodeHasher, dtype, op.out.shape, chunks.root);
    const lastOp = program.state[spot.tensor]?.stepOp ?? 0;
    const ops = new SparseTree(lastOp, new Map([...this.#roots("value"), [spot.op, own]]));
    const feeding = spot.op === lastOp ? own : madeUp();
    const states = new SparseTree(program.state.length, new Map([[spot.tensor, feeding]]));
    const tensors = new SparseTree(program.state.length, this.#roots("state"));
    this.#stateBefore = tensors.root;
    const inside = Math.min(program.interval, program.steps);
    const middle = new Map([[spot.state, states.root]]);
    if (spot.state > 0) middle.set(spot.state - 1, tensors.root);
    const steps = new SparseTree(inside - 1, middle);
    this.#last = madeUp();
    const checkpoints = Math.ceil(program.steps / program.interval);
    const all = new Map([[spot.checkpoint, this.#last]]);
    if (spot.state === 0) all.set(spot.checkpoint - 1, tensors.root);
    const prefix = new SparseTree(checkpoints, all);
    this.#trees = { prefix, steps, states, ops, program: opTree, chunks, terms: accumulators };
    this.#inputs = {
      data: new SparseTree(program.data.length, this.#roots("data")),
      parent: new SparseTree(program.parent.length, this.#roots("parent")),
      before: tensors,
    };
  }

  /** Values of the operands; remembers what each is proven with. */
  #read(): number[] {
    const { program, op, spot } = this;
    const typeOf = ({ kind, index }: MemorySource): TensorType =>
      kind === "value" ? (program.step[index] as Op).out : (program[kind][index] as TensorType);
    const step = (spot.checkpoint - 1) * program.interval + spot.state;
    const sources: ScalarSources = {
      typeOf,
      read: (source, address) => wordAt(source, typeOf(source).dtype, address),
      step,
      seed: SEED,
    };
    const operands = op.operands.map((_, k) => operandAt(op, k, spot.element, spot.term, sources));
    for (const [k, { address, row }] of operands.entries()) {
      const { source, indirection } = op.operands[k] as Op["operands"][0];
      if ("index" in source && address !== undefined)
        this.#show(k, source, address, typeOf(source));
      if (indirection !== null && row !== undefined)
        this.#show(3 + k, indirection.source, row.address, typeOf(indirection.source));
    }
    const values = operands.map(({ bits }) => bits);
    const three = (list: readonly number[]): number[] => [0, 1, 2].map((k) => list[k] ?? 0);
    this.claims.values = three(values);
    this.claims.rows = three(operands.map(({ row }) => (row?.value ?? 0) >>> 0));
    return values;
  }

  /** The chunk of a tensor with this element, which the tensor's own tree holds from now on. */
  #show(claim: number, source: MemorySource, address: number, type: TensorType): void {
    const size = elements(type.shape);
    const index = Math.floor(address / 256);
    const words = Uint32Array.from({ length: Math.min(256, size - 256 * index) }, (_, i) =>
      wordAt(source, type.dtype, 256 * index + i),
    );
    const chunk = new Uint8Array(words.buffer);
    const key = `${source.kind} ${source.index}`;
    const leaves = this.#chunks.get(key) ?? new Map<number, Hex>();
    leaves.set(index, chunkLeaf(nodeHasher, DTYPE[type.dtype], index, chunk));
    this.#chunks.set(key, leaves);
    this.#shown.set(claim, { source, index, type, chunk: toHex(chunk) });
  }

  /** The tree over the chunks of a tensor that is read, the same for all who read it. */
  #tensor({ kind, index }: MemorySource, type: TensorType): { tree: SparseTree; root: Hex } {
    const key = `${kind} ${index}`;
    const tree =
      this.#tensors.get(key) ??
      new SparseTree(chunkCount(elements(type.shape)), this.#chunks.get(key) ?? new Map());
    this.#tensors.set(key, tree);
    return { tree, root: tensorRootOf(nodeHasher, DTYPE[type.dtype], type.shape, tree.root) };
  }

  #roots(kind: MemorySource["kind"]): Map<number, Hex> {
    const own = [...this.#shown.values()].filter(({ source }) => source.kind === kind);
    return new Map(own.map(({ source, type }) => [source.index, this.#tensor(source, type).root]));
  }

  /** Claims that have to be proven when pointed at. */
  get provable(): number[] {
    const known = this.spot.term % 256 > 0 || this.spot.term === 0;
    return [...this.#shown.keys(), ...(known ? [] : [6])];
  }

  /** Proof of one of the ops that are there, under the root of the steps' list. */
  opProof(index: number): Hex[][] {
    return this.#trees.program.proof(index);
  }

  /** Submits, and opens a game about it. */
  async begin(court: Court): Promise<Game> {
    return challenge(court, await this.submit(court), TARGET.checkpoint);
  }

  /** Agrees and submits. */
  async submit(court: Court): Promise<SubmittedJob> {
    const { program } = this;
    const units = 1_500n + 100n * BigInt(program.steps);
    const job = await agreeJob(
      court,
      {
        nonce: nextNonce(),
        programRoot: this.programRoot,
        dataRoot: this.#inputs.data.root,
        seed: SEED,
        steps: program.steps,
        interval: program.interval,
      },
      units,
    );
    const jobId = String(job.terms["jobId"]) as Hex;
    const submission = {
      jobId,
      checkpoint: Math.ceil(program.steps / program.interval),
      prefixRoot: this.#trees.prefix.root,
      stateRoot: root("state"),
      modelRoot: root("model"),
      evalRoot: root("eval"),
      modelCid: root("cid"),
    };
    const submit = connect(court.market, court.provider).getFunction("submit");
    const [submitted] = follow(await (await submit(job, submission)).wait(), [job]);
    if (submitted === undefined) throw new Error("no job");
    const { header, lists } = this;
    return { job: submitted, jobId, submission, header, lists };
  }

  /** Plays both sides until the provider has proven this claim. */
  async play(court: Court, game: Game, claim: number): Promise<void> {
    while (game.over === undefined) await this.move(court, game, claim);
  }

  /** Makes the next move of whoever's turn it is. */
  async move(court: Court, game: Game, claim: number): Promise<void> {
    const p = game.position;
    const challenger = (name: string, ...args: readonly unknown[]) =>
      move(court, game, court.challenger, name, ...args);
    const provider = (name: string, ...args: readonly unknown[]) =>
      move(court, game, court.provider, name, ...args);
    const { tree, leaf } = this.#at(game);
    const height = Number(p.height);
    switch (p.phase) {
      case PHASE.open:
        return provider("open", tree.children(leaf, height));
      case PHASE.point: {
        const inside = leaf < Number(p.count);
        const pick = height === 0 ? 0 : Math.floor(leaf / 16 ** (height - 1)) % 16;
        return challenger("point", game.children, inside ? pick : 16);
      }
      case PHASE.cross:
        return this.#cross(game, provider);
      case PHASE.reveal:
        return provider("reveal", p.level === LEVEL.term ? this.#terms : this.#chunk);
      case PHASE.element: {
        const at = p.level === LEVEL.term ? this.spot.term : this.spot.element;
        return challenger("pointElement", game.chunk, at % 256);
      }
      case PHASE.judge:
        return provider("judge", game.bindings, encodeOp(this.op), this.claims);
      case PHASE.claim:
        return challenger("pointClaim", claim);
      default:
        return provider("prove", game.bindings, encodeOp(this.op), this.claims, this.#proof(claim));
    }
  }

  #at(game: Game): { tree: SparseTree; leaf: number } {
    const { spot } = this;
    const trees = this.#trees;
    switch (game.position.level) {
      case LEVEL.checkpoint:
        return { tree: trees.prefix, leaf: spot.checkpoint };
      case LEVEL.step:
        return { tree: trees.steps, leaf: spot.state };
      case LEVEL.state:
        return { tree: trees.states, leaf: spot.tensor };
      case LEVEL.op:
        return { tree: trees.ops, leaf: spot.op };
      case LEVEL.chunk:
        return { tree: trees.chunks, leaf: Math.floor(spot.element / 256) };
      default:
        return { tree: trees.terms, leaf: Math.floor(spot.term / 256) };
    }
  }

  #cross(game: Game, send: (name: string, ...args: readonly unknown[]) => Promise<void>) {
    const trees = this.#trees;
    const { bindings: b } = game;
    const first = (tree: SparseTree): readonly Hex[] =>
      tree.depth > 0 ? tree.children(0, tree.depth) : NO_CHILDREN;
    switch (game.position.level) {
      case LEVEL.checkpoint:
        return send("crossSteps", b, trees.steps.root, first(trees.steps));
      case LEVEL.step:
        return send("crossState", b, first(trees.states));
      case LEVEL.state:
        return send("crossTensor", b, this.header, trees.ops.root, first(trees.ops));
      case LEVEL.op: {
        const proof = trees.program.proof(this.spot.op);
        const op = encodeOp(this.op);
        return send("crossOp", b, op, proof, trees.chunks.root, first(trees.chunks));
      }
      default:
        return send("crossTerms", trees.terms.root, first(trees.terms));
    }
  }

  #proof(claim: number): object {
    const empty = { state: ABSENT, stateProof: [], root: ABSENT, rootProof: [] };
    const none = { dtype: 0, rank: 0, dims: 0n, chunks: ABSENT, chunkProof: [], chunk: "0x" };
    const shown = this.#shown.get(claim);
    if (shown === undefined) return { ...empty, ...none, table: false };
    const { source, type, index, chunk } = shown;
    const own = this.#tensor(source, type);
    const { ops, steps, prefix } = this.#trees;
    const { data, parent, before } = this.#inputs;
    const tree = { value: ops, state: before, data, parent }[source.kind];
    const { state, checkpoint } = this.spot;
    const stateProof = state > 0 ? steps.proof(state - 1) : prefix.proof(checkpoint - 1);
    return {
      ...empty,
      ...(source.kind === "state" ? { state: this.#stateBefore, stateProof } : {}),
      root: own.root,
      rootProof: tree.proof(source.index),
      dtype: DTYPE[type.dtype],
      rank: type.shape.length,
      dims: type.shape.reduce((all, n, d) => all | (BigInt(n) << BigInt(96 - 32 * d)), 0n),
      chunks: own.tree.root,
      chunkProof: own.tree.proof(index),
      chunk,
      table: claim >= 3,
    };
  }
}
