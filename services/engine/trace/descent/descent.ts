/**
 * Both sides of a dispute about a run: the provider shows what each position asks for, the challenger compares that
 * with its own. Everything is made again from checkpoints when it is needed; nothing but a bounded cache stays.
 */
import type { Backend, Inputs } from "../../backend.ts";
import { checkInputs } from "../../inputs.ts";
import { checkProgram } from "../../ir/check.ts";
import type { Program } from "../../ir/types.ts";
import { type OpWalker, referenceWalker } from "../../reference/walk.ts";
import { wasmBackend } from "../../wasm/backend.ts";
import { answer } from "./answer.ts";
import type { CheckpointSource } from "./checkpoints.ts";
import type { Course } from "./course.ts";
import { firstDifference } from "./difference.ts";
import type { Opening } from "./openings.ts";
import type { Pointing, Position } from "./positions.ts";
import { Views } from "./views.ts";

export interface DescentOptions {
  readonly program: Program;
  /** The same as the run had, the seed included. */
  readonly inputs: Inputs;
  /** Roots and states of the run; the number of intervals follows from the roots. */
  readonly checkpoints: CheckpointSource;
  /** Step of the start state that the request names; null (unless told) for a run that begins with `init`. */
  readonly start?: number | null | undefined;
  /** Runs intervals again; the fast one for any CPU unless told. */
  readonly backend?: Backend | undefined;
  /** Looks into one step; the reference unless told. */
  readonly walker?: OpWalker | undefined;
  /** Most bytes kept between two answers, besides what the back end holds; 256 MiB unless told. */
  readonly cacheBytes?: number | undefined;
}

export interface Descent {
  readonly course: Course;
  /** What an honest provider shows at a position. One answer is made at a time; others wait for their turn. */
  open(position: Position): Promise<Opening>;
  /** What an honest challenger points at among what a provider showed; undefined when all of it is right. */
  firstDifference(position: Position, theirs: Opening): Promise<Pointing | undefined>;
  /** Frees the back end and the cache once the answers under way are made. */
  close(): Promise<void>;
}

const CACHE_BYTES = 2 ** 28;

/** What a run's answers are read from. Throws what `checkProgram` and `checkInputs` throw. */
export function openViews(options: DescentOptions): Views {
  const { program, inputs, checkpoints, start = null } = options;
  checkProgram(program);
  checkInputs(program, inputs);
  const course: Course = { program, start, intervals: checkpoints.roots.length - 1 };
  return new Views(
    {
      course,
      inputs,
      checkpoints,
      backend: options.backend ?? wasmBackend,
      walker: options.walker ?? referenceWalker,
    },
    options.cacheBytes ?? CACHE_BYTES,
  );
}

/**
 * Opens a run for disputes. Throws what `checkProgram` and `checkInputs` throw; answers throw ENGINE_DESCENT_CHECKPOINT
 * when a state does not have its root, and a RangeError for a position that the run does not have.
 */
export function openDescent(options: DescentOptions): Descent {
  const views = openViews(options);
  let turn: Promise<unknown> = Promise.resolve();
  const open = (position: Position): Promise<Opening> => {
    const made = turn.then(() => answer(views, position));
    turn = made.catch(() => undefined);
    return made;
  };
  return {
    course: views.course,
    open,
    firstDifference: async (position, theirs) => firstDifference(await open(position), theirs),
    close: async () => {
      await turn;
      views.close();
    },
  };
}
