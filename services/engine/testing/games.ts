/** Whole games about random small programs, by number. */
import { intervalsOf } from "../trace/recorder.ts";
import { referenceBackend } from "../reference/backend.ts";
import { wasmBackend } from "../wasm/backend.ts";
import { honestChallenger, spuriousChallenger } from "./challengers.ts";
import { playDispute, type Verdict } from "./dispute.ts";
import { dishonestRun, type Fault } from "./faults.ts";
import { randomProgram, type RandomCase } from "./program.ts";
import { Random } from "./random.ts";
import { type FaultKind, honestRun, type HonestRun, randomFault } from "./runs.ts";

/** Small programs of several intervals; some runs are prefixes, some descents have lost checkpoints. */
export async function smallRun(number: number, random: Random) {
  const made = randomProgram(number, { ops: random.integer(1, 5), dimension: 5 });
  const steps = random.integer(1, 9);
  const job: RandomCase = {
    ...made,
    program: { ...made.program, steps, interval: random.integer(1, Math.min(4, steps)) },
  };
  const all = intervalsOf(job.program, 0);
  const intervals = random.oneIn(4) ? random.integer(1, all) : all;
  const run = await honestRun(job, {
    intervals,
    backend: random.oneIn(3) ? wasmBackend : referenceBackend,
    kept: () => !random.oneIn(3),
  });
  return { job, intervals, run };
}

/** Plays a fault against an honest challenger; undefined when it changes nothing that a trace commits to. */
export async function playFault(job: RandomCase, run: HonestRun, fault: Fault) {
  const liar = await dishonestRun(job, fault, run.of.course.intervals);
  const { header } = liar;
  const verdict = await playDispute({ ...run.of, header }, liar, honestChallenger(run.descent));
  await liar.close();
  return JSON.stringify(header) === JSON.stringify(run.of.header) ? undefined : verdict;
}

/** A random fault in a random run; the challenger is honest. Undefined when nothing is wrong after all. */
export async function faultGame(
  number: number,
): Promise<{ readonly kind: FaultKind; readonly verdict: Verdict } | undefined> {
  const random = new Random(number);
  const { job, intervals, run } = await smallRun(number, random);
  const drawn = randomFault(random, job, intervals);
  const verdict = drawn && (await playFault(job, run, drawn.fault));
  await run.descent.close();
  return verdict && { kind: drawn.kind, verdict };
}

/** Games of an honest provider about a random run; the challenger points at random. */
export async function spuriousGames(number: number, games: number): Promise<Verdict[]> {
  const random = new Random(number);
  const { run } = await smallRun(number, random);
  const verdicts: Verdict[] = [];
  for (let game = 0; game < games; game++) {
    const challenger = spuriousChallenger(run.descent, random);
    verdicts.push(await playDispute(run.of, run.descent, challenger));
  }
  await run.descent.close();
  return verdicts;
}
