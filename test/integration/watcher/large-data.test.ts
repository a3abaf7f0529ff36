/** A data set three times as large as the memory granted, at a provider's agent and a watcher, from the proposal to two disputes about it. */
import assert from "node:assert/strict";
import { createReadStream, existsSync } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { placeColumns } from "@assay/engine/columns/data-file";
import { placeData, tensorBytes } from "@assay/engine/columns/place";
import { safetensorsHeader } from "@assay/engine/data/safetensors";
import { printProgram } from "@assay/engine/ir/json";
import { programParts, programRoot } from "@assay/engine/ir/root";
import { elements } from "@assay/engine/ir/shape";
import type { Program } from "@assay/engine/ir/types";
import { workUnits } from "@assay/engine/ir/units";
import { mlp } from "@assay/engine/models/mlp";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import { toHex } from "@assay/protocol/commitments/hash";
import { PHASES, type Position } from "@assay/protocol/domain/disputes";
import { allowBonds, challenge, play } from "@assay/sdk/disputes/act";
import type { Game } from "@assay/sdk/disputes/game";
import { readGame } from "@assay/sdk/disputes/read";
import { turnOf } from "@assay/sdk/disputes/turn";
import { digestOf } from "@assay/storage/cid";
import type { Hex } from "viem";
import {
  agentFor,
  eventOf,
  LONG_WINDOWS,
  proposalFor,
  setStage,
  skipPast,
  until,
  type AnyJob,
} from "../provider/story.ts";
import { playWrong, startWatcher, submitWrong, watcherHome, wrongResult } from "./cheats.ts";

const MIB = 2 ** 20;
/** The least that an agent and a watcher can be granted. */
const GRANT_MIB = 64;
const [ROWS, FEATURES] = [49_152, 1_024];
const GRANT = { memoryBytes: GRANT_MIB * MIB, engine: PLAIN_ENGINE };

const program = mlp({
  inputs: FEATURES,
  hidden: [],
  outputs: 3,
  activation: "relu",
  optimizer: { kind: "sgd", learningRate: 0.05 },
  batch: 16,
  interval: 4,
  steps: 8,
  trainRows: ROWS,
  heldOutRows: 16,
});
const DATA_BYTES = tensorBytes(program.data);

const folder = await mkdtemp(join(tmpdir(), "assay-large-data-"));
const stage = await setStage(LONG_WINDOWS);
after(async () => {
  await stage.close();
  await rm(folder, { recursive: true, force: true });
});

/** Writes the columns of the program, piece by piece; another `shift` gives other features. */
const writeData = async (path: string, shift: number): Promise<void> => {
  const file = await open(path, "w");
  await file.appendFile(safetensorsHeader(program.data));
  for (const { dtype, shape } of program.data) {
    const count = elements(shape);
    const features = Float32Array.from({ length: Math.min(count, MIB / 4) }, (_, i) =>
      Math.sin(0.37 * i + shift),
    );
    const labels = Int32Array.from({ length: Math.min(count, MIB / 4) }, (_, i) => i % 3);
    const piece = new Uint8Array((dtype === "f32" ? features : labels).buffer);
    for (let left = 4 * count; left > 0; left -= piece.length)
      await file.appendFile(piece.subarray(0, left));
  }
  await file.close();
};

/** The job on the columns of a file. */
const jobOn = async (path: string, seed: bigint): Promise<AnyJob> => {
  const pieces = createReadStream(path, { highWaterMark: MIB });
  const { root, columns } = await placeColumns({ path, pieces }, program.data);
  const units = workUnits(program);
  const text = new TextEncoder().encode(printProgram(program));
  return {
    program,
    inputs: { data: columns, parent: [], seed },
    named: {
      programRoot: programRoot(nodeHasher, program),
      dataRoot: root,
      programCid: digestOf(await stage.store.putFile(text)),
      dataCid: digestOf(await stage.store.putFile(createReadStream(path))),
      steps: program.steps,
      interval: program.interval,
      seed,
      initUnits: units.init,
      stepUnits: units.step,
      evalUnits: units.eval,
    },
  };
};

const LISTS = ["init", "step", "eval"] as const;

/** Whether a game is about an op that reads the data set. */
const isAboutData = ({ list, op }: Position, { init, step, eval: evaluation }: Program): boolean =>
  ({ init, step, eval: evaluation })[LISTS[list] ?? "step"][op]?.operands.some(
    ({ source }) => source.kind === "data",
  ) ?? false;

test(
  "an agent trains, a watcher agrees, and both play disputes about an op that reads the data, all from files",
  { timeout: 1_200_000 },
  async (t) => {
    assert.ok(DATA_BYTES > 3 * GRANT.memoryBytes);
    assert.equal(placeData(program, GRANT).place, "file");
    const [right, other] = [join(folder, "right"), join(folder, "other")];
    await writeData(right, 0);
    await writeData(other, 1);
    const job = await jobOn(right, 3n);
    // The same features everywhere but in what is read: whoever has them computes something else from the first batch on.
    const mistaken = { ...job, inputs: (await jobOn(other, 3n)).inputs };

    const { key: watcherKey } = await stage.chain.actor(4, stage.front.url);
    const { home: watcherPlace, remove } = await watcherHome(watcherKey);
    const watcher = await startWatcher(stage, watcherPlace, {
      ASSAY_WATCHER_MEMORY_MIB: String(GRANT_MIB),
    });
    t.after(async () => {
      await watcher.kill("SIGKILL");
      await remove();
    });

    const granted = { ASSAY_PROVIDER_MEMORY_MIB: String(GRANT_MIB) };
    const { home, agent, start } = await agentFor(stage, t, granted);
    stage.front.propose(await proposalFor(stage, job));
    const submitted = await eventOf(home, "submitted");
    const jobId = submitted.jobId!;
    const compiled = agent.lines.find((line) => line.includes('"msg":"compiled"'));
    assert.ok(compiled?.includes(`"fileBytes":${DATA_BYTES},`), compiled);

    assert.equal((await watcher.said("done with a job", jobId))["outcome"], "same");
    const ran = await watcher.said("run again", jobId);
    assert.equal(ran["fileBytes"], DATA_BYTES);
    const runs = join(watcherPlace, "state", "runs");
    assert.ok(!existsSync(join(runs, jobId)), "what was fetched is gone with the run");

    // Somebody with other data challenges the agent, which was killed and proves its operand from the file that it kept.
    await agent.kill("SIGKILL");
    const next = await start(granted);
    const { assay: challenger } = await stage.chain.actor(5, stage.front.url);
    await challenger.deposit(10n ** 12n);
    const { job: record, prefixRoot } = await challenger.jobFromChain(jobId);
    const { disputes } = record.terms;
    await allowBonds(challenger.context, disputes, 10n ** 12n);
    const { header, initRoot, stepRoot, evalRoot } = programParts(nodeHasher, program);
    const { gameId } = await challenge(
      challenger.context,
      record,
      prefixRoot as Hex,
      { header: toHex(header), lists: { init: initRoot, step: stepRoot, eval: evalRoot } },
      "lastState",
    );
    const { run } = await wrongResult(mistaken, jobId, {});
    t.after(() => run.close());
    const phases = new Set<string>();
    const lost = await until(async (): Promise<Game | undefined> => {
      const game = await readGame(challenger.context, { disputes, gameId });
      if (game.end !== undefined) return game;
      if (turnOf(game) !== "challenger") {
        await sleep(50);
        return undefined;
      }
      const move = await run.point(game.position, game.shown);
      assert.ok(move !== undefined, "a difference to point at");
      phases.add(PHASES[game.position.phase] ?? "");
      if (PHASES[game.position.phase] === "claim")
        assert.ok(isAboutData(game.position, program), JSON.stringify(game.position));
      await play(challenger.context, game, move);
      return undefined;
    }, "the end of the game against the agent");
    assert.equal(lost.end, "challenger lost");
    assert.ok(phases.has("claim"), `challenged in ${[...phases].join(", ")}`);

    // A provider with other data is challenged by the watcher, which finds the operand that is a lie in its file.
    const provider = (await stage.furtherProvider(11)).assay;
    const wrong = await submitWrong(stage, provider, { ...mistaken, named: job.named }, {});
    t.after(() => wrong.run.close());
    const stuck = await playWrong(wrong);
    assert.equal(PHASES[stuck.position.phase], "prove");
    assert.ok(isAboutData(stuck.position, program));
    assert.equal((await watcher.said("run again", wrong.jobId))["fileBytes"], DATA_BYTES);
    await skipPast(stage, stuck.clocks.movedAt + stuck.clocks.providerLeft);
    assert.equal((await watcher.said("done with a job", wrong.jobId))["outcome"], "won");
    assert.equal((await provider.jobFromChain(wrong.jobId)).state, "slashed");
    assert.ok(!existsSync(join(runs, wrong.jobId)));
    assert.equal(await watcher.kill("SIGTERM"), 0);
    assert.equal(await next.kill("SIGTERM"), 0);
  },
);
