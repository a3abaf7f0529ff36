/** The provider's side: opens what its run holds, right or wrong. */
import { ABSENT, type Hex, toHex } from "@assay/protocol/commitments/hash";
import type { HashTree } from "@assay/protocol/commitments/tree";
import type { Words } from "@assay/engine/backend";
import { encodeOp } from "@assay/engine/ir/encode";
import { DTYPE, SOURCE, type TensorType, UNCHANGED } from "@assay/engine/ir/types";
import { operandAt } from "@assay/engine/reference/scalar";

import {
  type Court,
  type Game,
  NO_CHILDREN,
  type Position,
  type SubmittedJob,
  move,
} from "./court.ts";
import { type Run, chunkTree, listTree } from "./run.ts";
import { LEVEL, PHASE, View, listOf } from "./trees.ts";

const first = (tree: HashTree): readonly Hex[] =>
  tree.depth > 0 ? tree.children([]) : NO_CHILDREN;

const dims = (shape: readonly number[]): bigint =>
  shape.reduce((all, size, d) => all | (BigInt(size) << BigInt(96 - 32 * d)), 0n);

export const NO_PROOF = {
  state: ABSENT,
  stateProof: [] as Hex[][],
  root: ABSENT,
  rootProof: [] as Hex[][],
  dtype: 0,
  rank: 0,
  dims: 0n,
  chunks: ABSENT,
  chunkProof: [] as Hex[][],
  chunk: "0x" as Hex,
  table: false,
};

export class Provider {
  readonly view: View;
  readonly #court: Court;
  readonly #job: SubmittedJob;
  /** Changes the claims before they are sent: a provider that lies to make a wrong scalar come out. */
  lie:
    | ((claims: { values: number[]; rows: number[]; accumulator: number }, p: Position) => void)
    | undefined;

  constructor(court: Court, run: Run, job: SubmittedJob) {
    this.#court = court;
    this.#job = job;
    this.view = new View(run);
  }

  #send(game: Game, name: string, ...args: readonly unknown[]): Promise<void> {
    return move(this.#court, game, this.#court.provider, name, ...args);
  }

  /** Makes the move that the game asks for; throws where the contract takes none. */
  async play(game: Game): Promise<void> {
    const p = game.position;
    switch (p.phase) {
      case PHASE.open: {
        const { tree } = this.view.tree(p);
        return this.#send(game, "open", tree.children(this.view.path(p, tree)));
      }
      case PHASE.cross:
        return this.#cross(game, p);
      case PHASE.reveal:
        return this.#send(game, "reveal", this.view.chunk(p));
      case PHASE.judge:
        return this.#judge(game, p);
      case PHASE.prove:
        return this.#prove(game, p);
      default:
        throw new Error(`phase ${p.phase} is not the provider's`);
    }
  }

  #cross(game: Game, p: Position): Promise<void> {
    const { run } = this.view;
    const b = game.bindings;
    const { header } = this.#job;
    const index = Number(p.index);
    switch (p.level) {
      case LEVEL.checkpoint: {
        const states = index === 0 ? [] : this.view.interval(index);
        if (states.length > 1) {
          const rest = listTree(states.slice(0, -1));
          return this.#send(game, "crossSteps", b, rest.root, first(rest));
        }
        const tree = listTree(run.tensorRoots(run.stepAt(index)));
        return this.#send(game, "crossState", b, first(tree));
      }
      case LEVEL.step: {
        const step = run.stepAt(Number(p.checkpoint) - 1) + index + 1;
        return this.#send(game, "crossState", b, first(listTree(run.tensorRoots(step))));
      }
      case LEVEL.state:
      case LEVEL.output:
        return this.#crossTensor(game, p);
      case LEVEL.model: {
        const parameters = [...run.program.state.keys()].filter(
          (i) => run.program.state[i]?.parameter,
        );
        const tree = listTree(run.tensorRoots(run.program.steps));
        return this.#send(
          game,
          "proveParameter",
          b,
          header,
          tree.proof(parameters[index] as number),
        );
      }
      case LEVEL.op: {
        const op = this.view.op(p, index);
        const tree = chunkTree(op.out, this.view.values(p)[index] as Words);
        const proof = this.view.opTree(p).proof(index);
        return this.#send(game, "crossOp", b, encodeOp(op), proof, tree.root, first(tree));
      }
      default: {
        const { type, words } = this.view.accumulators(p);
        const tree = chunkTree(type, words);
        return this.#send(game, "crossTerms", tree.root, first(tree));
      }
    }
  }

  #crossTensor(game: Game, p: Position): Promise<void> {
    const { run } = this.view;
    const index = Number(p.index);
    const { header } = this.#job;
    this.view.tensor = index;
    let [list, lastOp] = [2n, run.program.outputs[index]?.op ?? 0];
    if (p.level === LEVEL.state) {
      const tensor = run.program.state[index];
      if (tensor === undefined) throw new RangeError(`no state tensor ${index}`);
      if (p.step > 0n && tensor.stepOp === UNCHANGED) {
        const { state, stateProof } = this.#stateBefore({ ...p, list: 1n });
        const proof = listTree(run.tensorRoots(Number(p.step) - 1)).proof(index);
        const { bindings } = game;
        return this.#send(game, "proveUnchanged", bindings, header, state, stateProof, proof);
      }
      [list, lastOp] = p.step === 0n ? [0n, tensor.initOp] : [1n, tensor.stepOp];
    }
    const step = list === 2n ? BigInt(run.program.steps) : p.step;
    const roots = this.view.valueRoots({ ...p, list, step, lastOp: BigInt(lastOp) });
    const rest = listTree(roots.slice(0, -1));
    return this.#send(game, "crossTensor", game.bindings, header, rest.root, first(rest));
  }

  #operands(p: Position) {
    const { run } = this.view;
    const sources = run.sources(listOf(p), Number(p.step));
    const op = this.view.op(p);
    return op.operands.map((_, k) => operandAt(op, k, Number(p.element), Number(p.term), sources));
  }

  #judge(game: Game, p: Position): Promise<void> {
    const operands = this.#operands(p);
    const claims = {
      values: [0, 1, 2].map((k) => operands[k]?.bits ?? 0),
      rows: [0, 1, 2].map((k) => (operands[k]?.row?.value ?? 0) >>> 0),
      accumulator: p.accumulatorKnown
        ? 0
        : (this.view.accumulators(p).words[Number(p.term) - 1] as number),
    };
    this.lie?.(claims, p);
    return this.#send(game, "judge", game.bindings, encodeOp(this.view.op(p)), claims);
  }

  #stateBefore(p: Position): { state: Hex; stateProof: Hex[][] } {
    const { run } = this.view;
    if (listOf(p) === "eval") return { state: run.stateRoot(run.program.steps), stateProof: [] };
    const checkpoint = Number(p.checkpoint);
    const from = run.stepAt(checkpoint - 1);
    const before = Number(p.step) - 1;
    const state = run.stateRoot(before);
    const [list, place] =
      before === from
        ? [run.prefix(), checkpoint - 1]
        : [this.view.interval(checkpoint).slice(0, -1), before - from - 1];
    return { state, stateProof: listTree(list).proof(place) };
  }

  #tensor(p: Position, kind: bigint, index: number) {
    const { run } = this.view;
    const list = listOf(p);
    let types: readonly TensorType[] = run.program.data;
    let words: readonly Words[] = run.inputs.data;
    let extra = {};
    if (kind === BigInt(SOURCE.value)) {
      types = run.program[list].map(({ out }) => out);
      words = this.view.values(p).slice(0, -1);
    } else if (kind === BigInt(SOURCE.state)) {
      types = run.program.state;
      words = run.stateBefore(list, Number(p.step));
      extra = this.#stateBefore(p);
    } else if (kind === BigInt(SOURCE.parent)) {
      types = run.program.parent;
      words = run.inputs.parent;
    }
    const [type, own] = [types[index] as TensorType, words[index] as Words];
    const roots = words.map((w, i) => run.rootOf(types[i] as TensorType, w));
    const chunks = chunkTree(type, own);
    return {
      chunks,
      words: own,
      proof: {
        ...NO_PROOF,
        ...extra,
        root: run.rootOf(type, own),
        rootProof: listTree(roots).proof(index),
        dtype: DTYPE[type.dtype],
        rank: type.shape.length,
        dims: dims(type.shape),
        chunks: chunks.root,
      },
    };
  }

  #chunkProof(tree: HashTree, words: Words, element: number) {
    const index = Math.floor(element / 256);
    const part = words.subarray(256 * index, 256 * (index + 1));
    return {
      chunkProof: tree.proof(index),
      chunk: toHex(new Uint8Array(part.buffer, part.byteOffset, part.byteLength)),
    };
  }

  async #prove(game: Game, p: Position): Promise<void> {
    const proof = await this.proofOf(game, p);
    const op = encodeOp(this.view.op(p));
    await this.#send(game, "prove", game.bindings, op, game.claims, proof);
  }

  /** Proves the position's claim, as far as it is right. */
  async proofOf(game: Pick<Game, "claims">, p: Position): Promise<typeof NO_PROOF> {
    const claim = Number(p.claim);
    if (claim === 6) {
      if (p.accumulatorKnown) return NO_PROOF;
      const { type, words } = this.view.accumulators(p);
      return {
        ...NO_PROOF,
        ...this.#chunkProof(chunkTree(type, words), words, Number(p.term) - 1),
      };
    }
    const k = claim % 3;
    const number = p.list === 1n ? p.step - 1n : p.step;
    const reading = await this.#court.referee.getFunction("locate")(
      encodeOp(this.view.op(p)),
      [p.element, p.term, number],
      k,
      game.claims.rows[k],
    );
    const ofRow = claim >= 3;
    if (ofRow ? !reading.indirect : reading.route !== 3n) return NO_PROOF;
    if (reading.indirect) {
      const table = this.#tensor(p, reading.rowKind, Number(reading.rowIndex));
      const element = Number(reading.rowElement);
      const outside = element < 0 || element >= table.words.length;
      if (outside) return { ...table.proof, table: true };
      if (ofRow) return { ...table.proof, ...this.#chunkProof(table.chunks, table.words, element) };
    }
    const own = this.#tensor(p, reading.kind, Number(reading.index));
    const element = Number(reading.element);
    if (element < 0 || element >= own.words.length) return own.proof;
    return { ...own.proof, ...this.#chunkProof(own.chunks, own.words, element) };
  }
}
