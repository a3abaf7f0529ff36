/** What of a machine its owner lets the back end use, and what of that there is. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import type { Program } from "../ir/types.ts";
import { compile } from "./compile.ts";
import { NARROW_TILE, WIDE_TILE, type Tile } from "./microkernel.ts";
import { divisionFor } from "./parallel.ts";

/** How a run uses the machine; the bits are the same for any choice. Plain data: it is given to threads as it is. */
export interface EngineSettings {
  /**
   * `wide` has V8 join neighbouring 128-bit operations into 256-bit ones, on processors that have them, for the whole process (a
   * flag that V8 calls experimental).
   */
  readonly lanes: Lanes;
  /** Threads on one memory, the caller's included. A program whose steps have nothing worth dividing runs on one. */
  readonly threads: number;
}

export const LANES = ["narrow", "wide"] as const;
export type Lanes = (typeof LANES)[number];

/** Standard features on one thread. */
export const PLAIN_ENGINE: EngineSettings = { lanes: "narrow", threads: 1 };

export const MOST_THREADS = 64;
/** What `auto` takes at most. */
const MOST_AUTO = 4;

export const tileOf = (lanes: Lanes): Tile => (lanes === "wide" ? WIDE_TILE : NARROW_TILE);

/** Turns on 256-bit lanes for the process; where they are on already nothing changes. */
export const turnOnWideLanes = (): void => setFlagsFromString("--experimental-wasm-revectorize");

/** What a thread of the engine takes beside the program's memory: measured at 20 to 24 MiB, nearly all of it Node's. */
const THREAD_BYTES = 24 * 2 ** 20;

/** Bytes that a run of a checked program takes: its memory, and the threads beside the caller's. Throws as `compile`. */
export const memoryOf = (program: Program, { lanes, threads }: EngineSettings): number => {
  const compiled = compile(program, tileOf(lanes), divisionFor(threads));
  return compiled.report.peakBytes + (compiled.threads - 1) * THREAD_BYTES;
};

/** What an owner asks for. `auto`: all cores but one, between all jobs that may run at a time, and at most four a job. */
export interface EngineWish {
  readonly lanes: Lanes;
  readonly threads: number | "auto";
}

export interface Machine {
  readonly cores: number;
  readonly arch: string;
  /** Text of `/proc/cpuinfo`; undefined where there is none. */
  readonly cpuinfo: string | undefined;
}

const cpuinfo = (): string | undefined => {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return undefined;
  }
};

const thisMachine = (): Machine => ({
  cores: availableParallelism(),
  arch: process.arch,
  cpuinfo: cpuinfo(),
});

/** Why a machine has no 256-bit lanes; undefined where it has them, or where that cannot be asked. */
const whyNarrow = ({ arch, cpuinfo: text }: Machine): string | undefined => {
  if (arch !== "x64") return `V8 has them on x64 alone, this processor is ${arch}`;
  const flags = text === undefined ? null : /^flags\s*:(.*)$/m.exec(text)?.[1];
  return flags?.split(" ").includes("avx2") === false ? "the processor has no AVX2" : undefined;
};

export interface SettledEngine {
  readonly engine: EngineSettings;
  /** Why the lanes are not those that were asked for. */
  readonly missing?: string;
}

/** What of a wish this machine has, for each of `jobs` that may run at a time. */
export const settleEngine = (
  { lanes, threads }: EngineWish,
  jobs: number,
  machine: Machine = thisMachine(),
): SettledEngine => {
  const most = Math.min(MOST_AUTO, Math.floor((machine.cores - 1) / jobs));
  const settled = threads === "auto" ? Math.max(1, most) : threads;
  const missing = lanes === "wide" ? whyNarrow(machine) : undefined;
  return missing === undefined
    ? { engine: { lanes, threads: settled } }
    : { engine: { lanes: "narrow", threads: settled }, missing };
};

/**
 * Settles what a process runs its jobs with, before its first one: V8 reads the flag for wide lanes whenever any thread compiles, so
 * the main thread sets it while there is no other.
 */
export const startEngine = (wish: EngineWish, jobs: number): SettledEngine => {
  const settled = settleEngine(wish, jobs);
  if (settled.engine.lanes === "wide") turnOnWideLanes();
  return settled;
};
