/** One random game: a small program, a fault at a random place and level or none, honest and dishonest players. */
import { type TraceHeader, traceHeader } from "@assay/protocol/commitments/bindings";
import { treeRoot } from "@assay/protocol/commitments/tree";
import { scalarStep } from "@assay/engine/reference/scalar";
import { randomProgram } from "@assay/engine/testing/program";
import { Random } from "@assay/engine/testing/random";
import { wrongTarget } from "@assay/engine/trace/game/point";
import { nodeHasher } from "@assay/engine/trace/hasher";

import { Honest, liar } from "./challenger.ts";
import { type Court, TARGET, challenge, submitRun } from "./court.ts";
import { engineChallenger, engineProvider, engineRun } from "./engine.ts";
import { play } from "./play.ts";
import { Provider } from "./provider.ts";
import { messOf, randomFault } from "./faults.ts";
import { type Fault, LISTS, Run } from "./run.ts";

/** A random program whose tensors are small enough to keep every value of a run, and that has a model. */
function smallProgram(number: number) {
  for (let n = number * 1_000; ; n++) {
    const made = randomProgram(n, { ops: 3, dimension: 4 });
    if (made.program.state.some(({ parameter }) => parameter)) return made;
  }
}

/** Finds claims, wrong ones among them, with which the wrong scalar comes out: then only the proof can fail. */
export const lying =
  (run: Run, random: Random): Provider["lie"] =>
  (claims, p) => {
    const list = LISTS[Number(p.list)] ?? "step";
    const op = run.op(list, Number(p.op));
    const wanted = Number(p.bits);
    const acc = p.accumulatorKnown ? Number(p.accumulator) : claims.accumulator;
    const start = op.form === "fold" && p.term === 0n ? op.initial : acc;
    const step = (values: readonly number[], from: number): boolean =>
      scalarStep(op, from, values, run.inputs.seed) === wanted;
    if (step(claims.values, start)) return;
    const guesses = [wanted, wanted ^ 0x80000000, ...random.list(200, () => random.bits())];
    for (const [k, operand] of op.operands.entries()) {
      if (!("index" in operand.source)) continue;
      const others = claims.values.filter((_, i) => i !== k);
      const near = others.flatMap((y) => [wanted - y, y - wanted, wanted + y, wanted ^ y]);
      for (const guess of [...near, ...guesses]) {
        const values = claims.values.with(k, guess >>> 0);
        if (!step(values, start)) continue;
        claims.values = values;
        return;
      }
    }
  };

const headerOf = (run: Run): TraceHeader => ({
  ...traceHeader(nodeHasher, {
    checkpoints: [...run.prefix(), run.stateRoot(run.program.steps)],
    modelRoot: treeRoot(nodeHasher, run.modelRoots()),
    evalRoot: treeRoot(nodeHasher, run.evaluationRoots()),
  }),
  prefixRoot: run.prefixRoot(),
});

/** What an honest challenger says is wrong: the first thing that differs; undefined if nothing does. */
function targetOf(honest: Run, shown: Run): number | undefined {
  const target = wrongTarget(headerOf(honest), headerOf(shown));
  return target && TARGET[target];
}

/** How a game went: who should win and who did, and where a provider that lost had no move left. */
export interface Outcome {
  readonly side: "fault" | "lie";
  readonly fault?: Fault;
  readonly over: string | undefined;
  readonly level: bigint;
  readonly phase: bigint;
  /** What the contract said to the last move of a provider that could not make one. */
  readonly stuck: string | undefined;
}

/**
 * The games of one number: an honest challenger against a run with a fault, if it shows, and a challenger that points
 * anywhere against an honest run. The honest side has every value of its run in memory, or is the engine with a few checkpoints.
 */
export async function randomGames(
  court: Court,
  number: number,
  honestSide: "memory" | "engine" = "memory",
): Promise<Outcome[]> {
  const random = new Random(number);
  const { program, inputs } = smallProgram(number);
  const honest = new Run(program, inputs);
  const outcomes: Outcome[] = [];

  const fault = randomFault(random, program, inputs);
  const faulty = new Run(program, inputs, fault);
  const target = targetOf(honest, faulty);
  if (target !== undefined) {
    const job = await submitRun(court, faulty, honest, inputs.seed);
    const game = await challenge(court, job, target);
    const provider = new Provider(court, faulty, job);
    provider.lie = lying(faulty, random);
    if (random.oneIn(4)) provider.view.mess = messOf(random);
    const own = honestSide === "engine" ? engineRun(honest) : undefined;
    const challenger = own === undefined ? new Honest(honest) : engineChallenger(own);
    const stuck = await play(court, game, job, provider, challenger);
    await own?.close();
    const { level, phase } = game.position;
    outcomes.push({ side: "fault", fault, over: game.over, level, phase, stuck });
  }

  const job = await submitRun(court, honest, honest, inputs.seed);
  const targets: number[] = [TARGET.checkpoint, TARGET.lastState, TARGET.model];
  if (program.outputs.length > 0) targets.push(TARGET.evaluation);
  const game = await challenge(court, job, random.pick(targets));
  const own = honestSide === "engine" ? engineRun(honest, () => random.oneIn(2)) : undefined;
  const provider =
    own === undefined ? new Provider(court, honest, job) : engineProvider(court, own);
  const stuck = await play(court, game, job, provider, liar(random));
  await own?.close();
  const { level, phase } = game.position;
  outcomes.push({ side: "lie", over: game.over, level, phase, stuck });
  return outcomes;
}

/** Whether the side that is right won. */
export const isJust = ({ side, over, stuck }: Outcome): boolean =>
  side === "fault" ? over === "provider lost" : over === "challenger lost" && stuck === undefined;
