/** What each side holds at each level of a game: the leaves of the tree it is in. */
import type { Hex } from "@assay/protocol/commitments/hash";
import { opLeaf } from "@assay/protocol/commitments/bindings";
import type { HashTree } from "@assay/protocol/commitments/tree";
import type { Words } from "@assay/engine/backend";
import { encodeOp } from "@assay/engine/ir/encode";
import type { Op, OpList, TensorType } from "@assay/engine/ir/types";
import { nodeHasher } from "@assay/engine/trace/hasher";

import type { Position } from "./court.ts";
import { LISTS, type Run, chunkTree, listTree } from "./run.ts";

export const LEVEL = {
  checkpoint: 0n,
  step: 1n,
  state: 2n,
  output: 3n,
  model: 4n,
  op: 5n,
  chunk: 6n,
  term: 7n,
} as const;

export const PHASE = {
  open: 1n,
  point: 2n,
  cross: 3n,
  reveal: 4n,
  element: 5n,
  judge: 6n,
  claim: 7n,
  prove: 8n,
  compare: 9n,
} as const;

export const listOf = (p: Position): OpList => LISTS[Number(p.list)] as OpList;

/** What a run shows of one game: it remembers which tensor the game came through. */
export class View {
  readonly run: Run;
  /** State tensor or output through which the game went to the ops. */
  tensor = 0;
  /** Changes lists before they are shown; what was shown once stays as it is. */
  mess: ((roots: Hex[]) => Hex[]) | undefined;
  readonly #messed = new Map<string, Hex[]>();

  constructor(run: Run) {
    this.run = run;
  }

  op(p: Position, index = Number(p.op)): Op {
    return this.run.op(listOf(p), index);
  }

  /** Outputs of the ops of the disputed list; the last is what the state or the evaluation shows in its place. */
  values(p: Position): Words[] {
    const { run } = this;
    const [list, step] = [listOf(p), Number(p.step)];
    const values = [...run.values(list, step)].slice(0, Number(p.lastOp) + 1);
    const shown = list === "eval" ? run.evaluation() : (run.states[step] ?? []);
    values[Number(p.lastOp)] = shown[this.tensor] as Words;
    return values;
  }

  valueRoots(p: Position): Hex[] {
    const roots = this.values(p).map((words, i) => this.run.rootOf(this.op(p, i).out, words));
    return this.#shown(`ops ${p.list} ${p.step} ${p.lastOp}`, roots);
  }

  /** Roots of the states inside the interval that ends in a checkpoint, that one last. */
  interval(checkpoint: number): Hex[] {
    const [from, to] = [this.run.stepAt(checkpoint - 1), this.run.stepAt(checkpoint)];
    const roots = Array.from({ length: to - from }, (_, i) => this.run.stateRoot(from + 1 + i));
    return this.#shown(`interval ${checkpoint}`, roots);
  }

  #shown(key: string, roots: Hex[]): Hex[] {
    const known = this.#messed.get(key) ?? this.mess?.(roots) ?? roots;
    this.#messed.set(key, known);
    return known;
  }

  accumulators(p: Position): { type: TensorType; words: Words } {
    const op = this.op(p);
    const value = this.values(p)[Number(p.op)] as Words;
    const element = Number(p.element);
    const last = value[element] as number;
    const words = this.run.accumulators(listOf(p), Number(p.step), op, element, last);
    return { type: { dtype: op.out.dtype, shape: [words.length] }, words };
  }

  /** The tensor whose chunks the game is in. */
  tensorAt(p: Position): { type: TensorType; words: Words } {
    if (p.level === LEVEL.term) return this.accumulators(p);
    return { type: this.op(p).out, words: this.values(p)[Number(p.op)] as Words };
  }

  /** The tree of the game's level, and what follows it in the list. */
  tree(p: Position): { tree: HashTree; last?: Hex | undefined } {
    const { run } = this;
    switch (p.level) {
      case LEVEL.checkpoint:
        return { tree: listTree(run.prefix()), last: run.stateRoot(run.program.steps) };
      case LEVEL.step: {
        const roots = this.interval(Number(p.checkpoint));
        return { tree: listTree(roots.slice(0, -1)), last: roots.at(-1) };
      }
      case LEVEL.state:
        return { tree: listTree(run.tensorRoots(Number(p.step))) };
      case LEVEL.output:
        return { tree: listTree(run.evaluationRoots()) };
      case LEVEL.model:
        return { tree: listTree(run.modelRoots()) };
      case LEVEL.op: {
        const roots = this.valueRoots(p);
        return { tree: listTree(roots.slice(0, -1)), last: roots.at(-1) };
      }
      default: {
        const { type, words } = this.tensorAt(p);
        return { tree: chunkTree(type, words) };
      }
    }
  }

  /** Way from the root of the level's tree to the game's node. */
  path(p: Position, tree: HashTree): number[] {
    const length = tree.depth - Number(p.height);
    return Array.from(
      { length },
      (_, d) => Math.floor(Number(p.index) / 16 ** (length - 1 - d)) % 16,
    );
  }

  chunk(p: Position, index = Number(p.index)): Uint8Array {
    const { words } = this.tensorAt(p);
    const part = words.subarray(256 * index, 256 * (index + 1));
    return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  }

  opTree(p: Position): HashTree {
    const list = listOf(p);
    return listTree(
      this.run.program[list].map((op, i) => opLeaf(nodeHasher, list, i, encodeOp(op))),
    );
  }
}
