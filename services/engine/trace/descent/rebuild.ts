/** Makes again what a run had inside its intervals, from its checkpoints, on demand. */
import { setImmediate } from "node:timers/promises";
import { type Hex, packRoots } from "@assay/protocol/commitments/hash";
import { treeRoot } from "@assay/protocol/commitments/tree";
import { AssayError } from "@assay/protocol/errors";
import type { Backend, Execution, Inputs, Words } from "../../backend.ts";
import { wordsRoot } from "../../data/dataset.ts";
import { UNCHANGED } from "../../ir/types.ts";
import { type OpWalker, valuesRead } from "../../reference/walk.ts";
import { nodeHasher } from "../hasher.ts";
import { stateRoot } from "../roots.ts";
import { type Course, opAt, stepAt, stepOf } from "./course.ts";
import type { CheckpointSource } from "./checkpoints.ts";
import type { Section } from "./positions.ts";

/** What a rebuild works with. */
export interface RebuildParts {
  readonly course: Course;
  readonly inputs: Inputs;
  readonly checkpoints: CheckpointSource;
  readonly backend: Backend;
  readonly walker: OpWalker;
}

const SLICE_MS = 20;

/** Runs one thing at a time; callers take turns. */
export class Rebuild {
  readonly #parts: RebuildParts;
  #execution: Execution | undefined;
  /** Interval that the execution is in; 0 while it holds nothing of use. */
  #interval = 0;

  constructor(parts: RebuildParts) {
    this.#parts = parts;
  }

  close(): void {
    this.#execution?.close();
    this.#execution = undefined;
    this.#interval = 0;
  }

  /** State of `C_i`: as kept, or run again from the last one before it that was kept. */
  async checkpoint(index: number): Promise<readonly Words[]> {
    const { course } = this.#parts;
    const kept = await this.#parts.checkpoints.load(index);
    if (kept !== undefined) return this.#checked(index, kept);
    const execution = await this.#open();
    this.#interval = 0;
    await this.#loadBefore(index, execution);
    await advanceTo(execution, stepAt(course, index));
    this.#interval = index;
    return this.#checked(index, execution.state());
  }

  /** State after the first `steps` steps of an interval. */
  async after(interval: number, steps: number): Promise<readonly Words[]> {
    await this.#seek(interval, stepAt(this.#parts.course, interval - 1) + steps);
    return (await this.#open()).state();
  }

  /** Eval outputs on `C_n`. */
  async evaluate(): Promise<Words[]> {
    const { course } = this.#parts;
    const state = await this.checkpoint(course.intervals);
    const execution = await this.#open();
    this.#interval = 0;
    execution.load(state, stepAt(course, course.intervals));
    return execution.evaluate();
  }

  /** Roots of the states after steps `from + 1` to `to` of an interval, 32 bytes each. */
  async stateLeaves(interval: number, from: number, to: number): Promise<Uint8Array> {
    const { program } = this.#parts.course;
    const first = stepAt(this.#parts.course, interval - 1);
    await this.#seek(interval, first + from);
    const execution = await this.#open();
    const roots: Hex[] = [];
    const leaves = new Uint8Array(32 * (to - from));
    let slice = performance.now();
    for (let i = 0; i < to - from; i++) {
      execution.run(1);
      program.state.forEach((tensor, s) => {
        if (tensor.stepOp !== UNCHANGED || roots[s] === undefined)
          roots[s] = wordsRoot(nodeHasher, tensor, execution.read(s));
      });
      leaves.set(packRoots([treeRoot(nodeHasher, roots)]), 32 * i);
      slice = await breathe(slice);
    }
    return leaves;
  }

  /** Roots of all outputs of a section's ops. */
  async outputRoots(section: Section, state: readonly Words[]): Promise<Hex[]> {
    const { course, walker } = this.#parts;
    const ops = course.program[section.list];
    const roots: Hex[] = [];
    for await (const { index, words } of walker.outputs(
      this.#run(section, state),
      new Set(ops.keys()),
    )) {
      roots[index] = wordsRoot(nodeHasher, opAt(course, section, index).out, words);
    }
    return roots;
  }

  /** Output of an op, and of those it reads. */
  async outputsAround(
    section: Section,
    op: number,
    state: readonly Words[],
  ): Promise<ReadonlyMap<number, Words>> {
    const wanted = new Set([op, ...valuesRead(opAt(this.#parts.course, section, op))]);
    const found = new Map<number, Words>();
    for await (const { index, words } of this.#parts.walker.outputs(
      this.#run(section, state),
      wanted,
    )) {
      found.set(index, words.slice());
    }
    return found;
  }

  #run(section: Section, state: readonly Words[]) {
    const { course, inputs } = this.#parts;
    const step = stepOf(course, section);
    return { program: course.program, inputs, list: section.list, step, state };
  }

  async #open(): Promise<Execution> {
    const { backend, course, inputs } = this.#parts;
    this.#execution ??= await backend.prepare(course.program, inputs);
    return this.#execution;
  }

  /** Brings the execution to a step of an interval, from the checkpoint before it unless it is on the way already. */
  async #seek(interval: number, step: number): Promise<void> {
    const { course } = this.#parts;
    const execution = await this.#open();
    if (this.#interval !== interval || execution.position > step) {
      const state = await this.checkpoint(interval - 1);
      execution.load(state, stepAt(course, interval - 1));
      this.#interval = interval;
    }
    await advanceTo(execution, step);
  }

  /** Loads the last checkpoint before this one that was kept, or runs `init`. */
  async #loadBefore(index: number, execution: Execution): Promise<void> {
    const { course, checkpoints } = this.#parts;
    for (let i = index - 1; i >= 0; i--) {
      const kept = await checkpoints.load(i);
      if (kept === undefined) continue;
      execution.load(this.#checked(i, kept), stepAt(course, i));
      return;
    }
    if (course.start === null) {
      execution.init();
      return;
    }
    throw new AssayError("ENGINE_DESCENT_CHECKPOINT", "The start state is not there.", {
      remedy: "Provide the state that the request starts from.",
    });
  }

  #checked(index: number, state: readonly Words[]): readonly Words[] {
    const { checkpoints, course } = this.#parts;
    const [root, claimed] = [stateRoot(course.program, state), checkpoints.roots[index]];
    if (root === claimed) return state;
    throw new AssayError(
      "ENGINE_DESCENT_CHECKPOINT",
      `The state of checkpoint ${index} does not have its root.`,
      {
        remedy: "Check the disk and the memory of the machine that ran the job.",
        details: { index, root, claimed },
      },
    );
  }
}

async function advanceTo(execution: Execution, step: number): Promise<void> {
  let slice = performance.now();
  while (execution.position < step) {
    execution.run(1);
    slice = await breathe(slice);
  }
}

/** Gives the event loop a turn when the last one is a while ago; returns when that was. */
async function breathe(since: number): Promise<number> {
  if (performance.now() - since < SLICE_MS) return since;
  await setImmediate();
  return performance.now();
}
