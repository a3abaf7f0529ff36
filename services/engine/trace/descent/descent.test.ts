import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ABSENT } from "@assay/protocol/commitments/hash";
import { isAssayError } from "@assay/protocol/errors";
import type { Words } from "../../backend.ts";
import { referenceBackend } from "../../reference/backend.ts";
import { spuriousChallenger } from "../../testing/challengers.ts";
import { type Challenger, playDispute, type Provider } from "../../testing/dispute.ts";
import { dishonestRun, type Fault, otherBits } from "../../testing/faults.ts";
import { faultGame, playFault, smallRun, spuriousGames } from "../../testing/games.ts";
import { largeProgram } from "../../testing/large.ts";
import { randomProgram } from "../../testing/program.ts";
import { Random } from "../../testing/random.ts";
import { FAULT_KINDS, honestRun } from "../../testing/runs.ts";
import { wasmBackend } from "../../wasm/backend.ts";
import { saveCheckpoint } from "../checkpoints.ts";
import { checkpointStep } from "../recorder.ts";
import { folderCheckpoints } from "./checkpoints.ts";
import { openDescent } from "./descent.ts";
import type { Pointing, Position } from "./positions.ts";

describe("a dispute between an honest and a dishonest side", () => {
  it("is lost by a provider with any fault, at the latest on a scalar or a proof", async () => {
    const reasons = new Set<string>();
    const kinds = new Set<string>();
    for (let number = 0; number < 250; number++) {
      const game = await faultGame(number);
      if (game === undefined) continue;
      assert.equal(game.verdict.winner, "challenger", `${number}: ${JSON.stringify(game)}`);
      reasons.add(game.verdict.reason);
      kinds.add(game.kind);
    }
    assert.deepEqual(kinds, new Set(FAULT_KINDS));
    const ends = ["scalar", "leaf of the ops", "leaf", "tensor of data", "tensor of parent"];
    for (const end of ends) assert.ok(reasons.has(end), `no game ended by ${end}`);
  });

  it("is won by an honest provider, whatever the challenger points at", async () => {
    const ends = new Set<string>();
    for (let number = 0; number < 100; number++) {
      for (const verdict of await spuriousGames(number, 4)) {
        assert.equal(verdict.winner, "provider", `${number}: ${JSON.stringify(verdict)}`);
        ends.add(verdict.position.kind);
      }
    }
    for (const end of ["nothing", "parameter", "source", "scalar", "read"])
      assert.ok(ends.has(end), `no game ended at ${end}`);
  });
});

describe("a dispute about large trees", () => {
  const job = largeProgram(1);
  /** The last operation of the fold that step op 0 and eval op 1 are. */
  const flips: Fault[] = [0, 1, 255, 256, 2000, 4864, 4999].map((term) => ({
    flip: { list: "step", step: 33, op: 0, element: 2, term },
  }));
  const last = job.program.steps - 1;
  const faults: Fault[] = [
    ...flips,
    { flip: { list: "init", step: 0, op: 0, element: 4999, term: 0 } },
    { flip: { list: "step", step: 19, op: 2, element: 0, term: 0 } },
    { flip: { list: "step", step: last, op: 1, element: 4097, term: 0 } },
    { flip: { list: "eval", step: last + 1, op: 0, element: 700, term: 0 } },
    { flip: { list: "eval", step: last + 1, op: 1, element: 1, term: 4870 } },
    { model: true },
    // State tensor 6 keeps its value, 18 is under the second node of the lower storey.
    ...[0, 6, 18].map((tensor): Fault => ({
      pretend: (list, step, _, result) =>
        list === "step" && step === 40
          ? result.map((words, s) => (s === tensor ? words.map(otherBits) : words))
          : result,
    })),
  ];

  it("ends where the fault is, by every level", async () => {
    const run = await honestRun(job, { backend: wasmBackend, kept: (index) => index !== 1 });
    const seen = new Set<string>();
    const challenger: Challenger = {
      point: (position, theirs) => {
        seen.add(`${position.kind} ${"path" in position ? position.path.length : ""}`.trim());
        return run.descent.firstDifference(position, theirs);
      },
    };
    for (const fault of faults) {
      const liar = await dishonestRun(job, fault);
      const of = { ...run.of, header: liar.header };
      const verdict = await playDispute(of, liar, challenger);
      const told = `${JSON.stringify(fault)}: ${JSON.stringify(verdict)}`;
      assert.equal(verdict.winner, "challenger", told);
      if (fault.flip !== undefined) {
        assert.equal(verdict.reason, "scalar", told);
        const { position } = verdict;
        assert.ok(position.kind === "scalar");
        const { list, op, element, term } = fault.flip;
        const at = { list: position.section.list, ...position };
        assert.deepEqual([at.list, at.op, at.element, at.term], [list, op, element, term], told);
      }
      await liar.close();
    }
    await run.descent.close();
    const levels = ["steps 0", "steps 1", "ops 0", "ops 1", "chunks 0", "chunks 1", "chunk"];
    for (const level of [...levels, "assembly", "model 0", "terms 0", "terms 1", "accumulators"])
      assert.ok(seen.has(level), `no game went by ${level}`);
  });

  it("proves every operand of an honest provider, rows and accumulators of other chunks too", async () => {
    const run = await honestRun(job, { backend: wasmBackend });
    const route: Pointing[] = [
      { to: "final" },
      { to: "child", index: 1 },
      { to: "child", index: 0 },
      { to: "child", index: 0 },
      { to: "child", index: 0 },
      { to: "element", index: 1 },
      { to: "child", index: 1 },
      { to: "child", index: 2 },
      { to: "element", index: 0 },
    ];
    for (const read of [0, 2, 3, 4]) {
      const pointings = [...route, { to: "read" as const, read }];
      const verdict = await playDispute(run.of, run.descent, {
        point: async () => pointings.shift(),
      });
      assert.equal(verdict.reason, "proven");
      assert.ok(verdict.position.kind === "read", JSON.stringify(verdict));
      assert.equal(verdict.position.term, 18 * 256);
    }
    await run.descent.close();
  });

  it("goes through a tree of many checkpoints", async () => {
    const many = { ...job, program: { ...job.program, steps: 40, interval: 1 } };
    const run = await honestRun(many);
    for (const step of [0, 15, 16, 39]) {
      const fault: Fault = { flip: { list: "step", step, op: 2, element: 300, term: 0 } };
      const verdict = await playFault(many, run, fault);
      assert.equal(verdict?.reason, "scalar");
      assert.ok(verdict.position.kind === "scalar" && verdict.position.section.list === "step");
      assert.equal(verdict.position.section.interval, step + 1);
    }
    await run.descent.close();
  });
});

describe("a descent", () => {
  it("survives a restart at every move", async () => {
    for (let number = 0; number < 20; number++) {
      const random = new Random(7000 + number);
      const { job, run } = await smallRun(number, random);
      const { program, inputs } = job;
      const reopened: Provider = {
        open: async (position) => {
          const descent = openDescent({ program, inputs, checkpoints: run.checkpoints });
          const opening = await descent.open(position);
          await descent.close();
          assert.deepEqual(opening, await run.descent.open(position));
          return opening;
        },
      };
      const verdict = await playDispute(run.of, reopened, spuriousChallenger(run.descent, random));
      assert.equal(verdict.winner, "provider");
      await run.descent.close();
    }
  });

  it("answers several games at once, and with next to no cache", async () => {
    const job = largeProgram(2);
    const run = await honestRun(job);
    const { program, inputs } = job;
    const tight = openDescent({
      program,
      inputs,
      checkpoints: run.checkpoints,
      backend: wasmBackend,
      cacheBytes: 1,
    });
    const games = Array.from({ length: 6 }, (_, game) =>
      playDispute(run.of, tight, spuriousChallenger(run.descent, new Random(game))),
    );
    for (const verdict of await Promise.all(games)) assert.equal(verdict.winner, "provider");
    await tight.close();
    await run.descent.close();
  });

  it("starts from a start state that is not its own to choose", async () => {
    const made = randomProgram(3, { ops: 3, dimension: 4 });
    const job = { ...made, program: { ...made.program, steps: 8, interval: 2 } };
    const states: Words[][] = [];
    const execution = await referenceBackend.prepare(job.program, job.inputs);
    execution.init();
    for (let step = 0; step < 3; step++) {
      states.push(execution.state());
      execution.run(1);
    }
    execution.close();
    const run = await honestRun(job, { start: { step: 2, state: states[2] as Words[] } });
    assert.equal(run.of.course.intervals, 3);
    const toStart: Challenger = {
      point: async (position) =>
        position.kind === "trace" ? { to: "prefix" } : { to: "child", index: 0 },
    };
    const verdict = await playDispute(run.of, run.descent, toStart);
    assert.deepEqual([verdict.winner, verdict.position.kind], ["provider", "start"]);
    const forged = { ...run.of, startRoot: ABSENT };
    assert.equal((await playDispute(forged, run.descent, toStart)).winner, "challenger");
    for (let game = 0; game < 10; game++) {
      const other = await playDispute(
        run.of,
        run.descent,
        spuriousChallenger(run.descent, new Random(game)),
      );
      assert.equal(other.winner, "provider");
    }
    await run.descent.close();
  });

  it("reads the checkpoint files of a folder, and does without those that are gone", async () => {
    const job = largeProgram(3);
    const { program, inputs } = job;
    const run = await honestRun(job);
    const { roots } = run.checkpoints;
    const folder = await mkdtemp(join(tmpdir(), "assay-descent-"));
    for (const index of [0, 2]) {
      const step = checkpointStep(program, 0, index);
      const state = (await run.checkpoints.load(index)) as Words[];
      await saveCheckpoint(folder, program, { step, state, roots: roots.slice(0, index + 1) });
    }
    const checkpoints = folderCheckpoints(folder, program, 0, roots);
    const descent = openDescent({ program, inputs, checkpoints });
    assert.deepEqual(await descent.open({ kind: "trace" }), {
      kind: "trace",
      header: run.of.header,
    });
    const position: Position = { kind: "steps", interval: 2, path: [] };
    assert.deepEqual(await descent.open(position), await run.descent.open(position));
    await descent.close();
    await run.descent.close();
    await rm(folder, { recursive: true });
  });

  it("says so when a state does not have its root", async () => {
    const job = largeProgram(4);
    const run = await honestRun(job);
    const { program, inputs } = job;
    const { roots } = run.checkpoints;
    const checkpoints = {
      roots,
      load: async (index: number) =>
        (await run.checkpoints.load(index))?.map((words) => words.map(otherBits)),
    };
    const descent = openDescent({ program, inputs, checkpoints });
    await assert.rejects(descent.open({ kind: "trace" }), (error) =>
      isAssayError(error, "ENGINE_DESCENT_CHECKPOINT"),
    );
    await descent.close();
    await run.descent.close();
  });
});
