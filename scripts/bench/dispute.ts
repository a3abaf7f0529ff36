/**
 * Gas of a dispute: each move, the last step of every opcode, and whole games about 2^48 scalar steps, about a program at every
 * hard limit, about the demo's MNIST model and about a small transformer; for the two models also the time of both players, the
 * watcher's run beside the provider's, and the bytes kept. Needs compiled
 * contracts (`npx hardhat build`). `--json`: figures on the last line.
 */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Inputs, Words } from "@assay/engine/backend";
import { PRIMITIVES } from "@assay/engine/ir/primitives";
import { printProgram } from "@assay/engine/ir/json";
import { programParts, programRoot } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { mlp } from "@assay/engine/models/mlp";
import { transformerLm } from "@assay/engine/models/transformer";
import { Random } from "@assay/engine/testing/random";
import { saveCheckpoint } from "@assay/engine/trace/checkpoints";
import { folderCheckpoints } from "@assay/engine/trace/descent/checkpoints";
import { openGameRun } from "@assay/engine/trace/game/game";
import { wrongTarget } from "@assay/engine/trace/game/point";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { runJob } from "@assay/engine/trace/run";
import { wasmBackend } from "@assay/engine/wasm/backend";
import { type Hex, toHex } from "@assay/protocol/commitments/hash";
import { treeRoot } from "@assay/protocol/commitments/tree";

import {
  type Court,
  type Game,
  TARGET,
  agreeJob,
  challenge,
  deployCourtHouse,
  nextNonce,
} from "../../test/contracts/support/dispute/court.ts";
import { engineChallenger, engineProvider } from "../../test/contracts/support/dispute/engine.ts";
import {
  largeProgram,
  limitProgram,
  opcodeProgram,
} from "../../test/contracts/support/dispute/limits.ts";
import { play } from "../../test/contracts/support/dispute/play.ts";
import { Synthetic } from "../../test/contracts/support/dispute/synthetic.ts";
import { rootOf } from "../../test/contracts/support/dispute/run.ts";
import { connect, follow, root } from "../../test/contracts/support/market.ts";
import { readMnist } from "../datasets/mnist.ts";
import { createFigures } from "./figures.ts";
import { MNIST_SETTINGS } from "./mnist-mlp.ts";

const WHOLE = 2_200_000;
const LAST_STEP = 300_000;
const TRANSACTION = 16_700_000;
/** A watcher's run, of the original run. */
const RERUN = 1.05;
const PAIRS = 5;

const figures = createFigures();
/** `most`: a budget. */
const note = (name: string, value: number, unit = "gas", most: number | null = null): void =>
  figures.note(name, value, unit, { baseline: most, goal: most === null ? null : { most: 1 } });

/** Gas of all moves, or of those with these names. */
const gasOf = (game: Game, names?: readonly string[]): number =>
  game.gas
    .filter(({ name }) => names?.includes(name) ?? true)
    .reduce((sum, { used }) => sum + Number(used), 0);
const mostOf = (game: Game): Map<string, number> => {
  const most = new Map<string, number>();
  for (const { name, used } of game.gas)
    most.set(name, Math.max(most.get(name) ?? 0, Number(used)));
  return most;
};

async function synthetic(
  court: Court,
  { program, spot }: ReturnType<typeof limitProgram>,
  claim?: number,
): Promise<Game> {
  const made = new Synthetic(program, spot);
  const game = await made.begin(court);
  await made.play(court, game, claim ?? made.provable[0] ?? 0);
  if (game.over !== "challenger lost") throw new Error("the proof was not taken");
  return game;
}

const LAST = ["judge", "prove"];
const court = await deployCourtHouse();

const large = await synthetic(court, largeProgram());
for (const [name, gas] of mostOf(large)) note(`2^48 steps: ${name}`, gas);
note("2^48 steps: last step with its proof", gasOf(large, LAST), "gas", LAST_STEP);
note(`2^48 steps: whole game, ${large.gas.length} calls`, gasOf(large), "gas", WHOLE);

const limit = await synthetic(court, limitProgram(), 3);
for (const [name, gas] of mostOf(limit)) note(`every limit: ${name}`, gas, "gas", TRANSACTION);
note("every limit: last step with its proof", gasOf(limit, LAST));
note(`every limit: whole game, ${limit.gas.length} calls`, gasOf(limit));

for (const primitive of PRIMITIVES) {
  const plain = await synthetic(court, opcodeProgram(primitive, false));
  note(`last step: ${primitive.name}`, gasOf(plain, LAST), "gas", LAST_STEP);
  const heavy = await synthetic(court, opcodeProgram(primitive, true), 3);
  note(`last step: ${primitive.name}, heaviest operands`, gasOf(heavy, LAST));
}

/** Runs a job as a provider does, with its checkpoints on disk; the time is the processor's. */
async function trained(program: Program, inputs: Inputs, folder: string) {
  let kept = 0;
  const begun = process.cpuUsage();
  const result = await runJob({
    backend: wasmBackend,
    program,
    inputs,
    onCheckpoint: async ({ step, roots, state }) => {
      await saveCheckpoint(folder, program, { step, roots, state });
    },
  });
  const { user, system } = process.cpuUsage(begun);
  const milliseconds = (user + system) / 1_000;
  for (const file of await readdir(folder)) kept += (await stat(join(folder, file))).size;
  const checkpoints = folderCheckpoints(folder, program, 0, result.checkpointRoots);
  const stateRoot = result.checkpointRoots.at(-1) as Hex;
  const prefixRoot = treeRoot(nodeHasher, result.checkpointRoots.slice(0, -1));
  const { n, modelRoot, evalRoot } = result;
  const header = { n, prefixRoot, stateRoot, modelRoot, evalRoot };
  return { header, kept, checkpoints, milliseconds };
}

/** Times every answer of a player. */
const timed =
  <A extends readonly unknown[], R>(times: number[], answer: (...args: A) => Promise<R>) =>
  async (...args: A): Promise<R> => {
    const begun = performance.now();
    const result = await answer(...args);
    times.push(performance.now() - begun);
    return result;
  };

/** A model that people train, with its data; the first column is that of the examples to learn from. */
interface Model {
  readonly name: string;
  readonly program: Program;
  readonly data: readonly Words[];
  /** Elements of one example. */
  readonly row: number;
}

const MNIST: Model = {
  name: "MNIST",
  program: mlp(MNIST_SETTINGS),
  data: readMnist().map(({ words }) => words),
  row: MNIST_SETTINGS.inputs,
};

/** A small decoder over made-up text. */
const TRANSFORMER: Model = {
  name: "transformer",
  program: transformerLm({
    vocabulary: 64,
    context: 32,
    width: 32,
    layers: 2,
    heads: 4,
    optimizer: { kind: "adamw", learningRate: 0.003, clipNorm: 1 },
    batch: 8,
    steps: 200,
    interval: 20,
    trainTokens: 8_192,
    heldOutTokens: 1_024,
  }),
  data: [8_192, 1_024].map((count, column) => {
    const random = new Random(column + 1);
    return Uint32Array.from({ length: count }, () => random.integer(0, 63));
  }),
  row: 1,
};

/** A provider that trained on shifted data, against a watcher that ran the job again. */
async function played({ name, program, data, row }: Model): Promise<void> {
  const [first = new Uint32Array()] = data;
  const inputs: Inputs = { data, parent: [], seed: 1n };
  const turned = Uint32Array.from([...first.subarray(row), ...first.subarray(0, row)]);
  const cheated: Inputs = { ...inputs, data: [turned, ...data.slice(1)] };
  const folders = [
    await mkdtemp(join(tmpdir(), "assay-bench-")),
    await mkdtemp(join(tmpdir(), "assay-bench-")),
  ] as const;
  const theirs = await trained(program, cheated, folders[0]);
  const own = await trained(program, inputs, folders[1]);
  const read = data.reduce((sum, { byteLength }) => sum + byteLength, printProgram(program).length);
  note(`${name}: bytes the provider keeps for the window`, theirs.kept + read, "bytes");
  note(`${name}: checkpoints of those`, theirs.kept, "bytes");
  // In turns, so that neither has the warmer machine, and the fastest of each: what else runs here only makes them slower.
  const [originals, reruns]: [number[], number[]] = [[], []];
  for (let pair = 0; pair < PAIRS; pair++) {
    originals.push((await trained(program, cheated, folders[0])).milliseconds);
    reruns.push((await trained(program, inputs, folders[1])).milliseconds);
  }
  const rerun = Math.min(...reruns) / Math.min(...originals);
  note(`${name}: the watcher's run, of the provider's`, rerun, "times", RERUN);

  const parts = programParts(nodeHasher, program);
  const lists = { init: parts.initRoot, step: parts.stepRoot, eval: parts.evalRoot };
  const columns = program.data.map((type, i) => rootOf(type, data[i] ?? new Uint32Array()));
  const request = {
    nonce: nextNonce(),
    programRoot: programRoot(nodeHasher, program),
    dataRoot: treeRoot(nodeHasher, columns),
    seed: inputs.seed,
    steps: program.steps,
    interval: program.interval,
  };
  const agreed = await agreeJob(court, request, 1_500n + 100n * BigInt(program.steps));
  const jobId = String(agreed.terms["jobId"]) as Hex;
  const { n: checkpoint, ...roots } = theirs.header;
  const submission = { jobId, checkpoint, ...roots, modelCid: root("cid") };
  const submit = connect(court.market, court.provider).getFunction("submit");
  const [job] = follow(await (await submit(agreed, submission)).wait(), [agreed]);
  const target = wrongTarget(own.header, theirs.header);
  if (job === undefined || target === undefined) throw new Error("nothing to dispute");
  const shown = { job, jobId, submission, header: toHex(parts.header), lists };
  const game = await challenge(court, shown, TARGET[target]);

  const prover = openGameRun({ program, inputs: cheated, checkpoints: theirs.checkpoints });
  const watcher = openGameRun({ program, inputs, checkpoints: own.checkpoints });
  const [answers, pointings]: [number[], number[]] = [[], []];
  const provider = engineProvider(court, {
    ...prover,
    answer: timed(answers, (...args: Parameters<typeof prover.answer>) => prover.answer(...args)),
  });
  const choice = engineChallenger({
    ...watcher,
    point: timed(pointings, (...args: Parameters<typeof watcher.point>) => watcher.point(...args)),
  });
  await play(court, game, shown, provider, choice);
  await Promise.all([prover.close(), watcher.close()]);
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
  if (game.over !== "provider lost") throw new Error("the fraud was not found");
  for (const [move, gas] of mostOf(game)) note(`${name}: ${move}`, gas);
  note(`${name}: whole game, ${game.gas.length} calls`, gasOf(game), "gas", WHOLE);
  for (const [who, times] of [
    ["prover", answers],
    ["watcher", pointings],
  ] as const) {
    const total = times.reduce((sum, ms) => sum + ms, 0);
    note(`${name}: ${who}, ${times.length} moves, mean`, total / times.length, "ms");
    note(`${name}: ${who}, slowest move`, Math.max(...times), "ms");
  }
}

for (const model of [MNIST, TRANSFORMER]) await played(model);
await court.connection.close();
figures.finish();
