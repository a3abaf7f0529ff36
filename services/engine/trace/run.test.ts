import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ABSENT } from "@assay/protocol/commitments/hash";
import { treeRoot } from "@assay/protocol/commitments/tree";
import { AssayError } from "@assay/protocol/errors";
import { referenceBackend as backend } from "../reference/backend.ts";
import { randomProgram } from "../testing/program.ts";
import {
  type Checkpoint,
  checkpointPath,
  latestCheckpoint,
  loadCheckpoint,
  saveCheckpoint,
} from "./checkpoints.ts";
import { nodeHasher } from "./hasher.ts";
import { evalRoot, modelRoot, stateRoot } from "./roots.ts";
import { runJob } from "./run.ts";

const coded = (code: string) => (error: unknown) =>
  error instanceof AssayError && error.code === code;

/** Random programs that run for a few intervals. */
const cases = Array.from({ length: 25 }, (_, i) => {
  const { program, inputs } = randomProgram(1000 + i);
  return { program: { ...program, steps: 7, interval: 1 + (i % 4) }, inputs };
});

async function recorded({ program, inputs }: (typeof cases)[number]) {
  const checkpoints: Checkpoint[] = [];
  const result = await runJob({
    backend,
    program,
    inputs,
    onCheckpoint: ({ step, roots, state }) => void checkpoints.push({ step, roots, state }),
  });
  return { result, checkpoints };
}

describe("running a job", () => {
  it("gives the same trace after a resume from any checkpoint", async () => {
    for (const job of cases) {
      const { result, checkpoints } = await recorded(job);
      assert.equal(checkpoints.length, Math.ceil(7 / job.program.interval) + 1);
      for (const resume of checkpoints) {
        assert.deepEqual(await runJob({ backend, ...job, resume }), result);
      }
    }
  });

  it("commits to states, model and evaluation as they are", async () => {
    for (const job of cases) {
      const { result, checkpoints } = await recorded(job);
      const roots = checkpoints.map(({ state }) => stateRoot(job.program, state));
      assert.deepEqual(result.checkpointRoots, roots);
      assert.equal(result.prefixRoot, treeRoot(nodeHasher, roots.slice(0, -1)));
      assert.equal(result.stateRoot, roots.at(-1));
      assert.equal(result.n, roots.length - 1);
      assert.equal(result.modelRoot, modelRoot(job.program, result.state));
      assert.equal(result.evalRoot, evalRoot(job.program, result.evaluation));
      if (job.program.outputs.length === 0) assert.equal(result.evalRoot, ABSENT);
    }
  });

  it("sums up each checkpoint as a run that ends there does", async () => {
    const [job] = cases;
    assert.ok(job);
    const receipts: string[] = [];
    await runJob({
      backend,
      ...job,
      onCheckpoint: (point) => void receipts.push(point.summary().traceRoot),
    });
    for (const [until, traceRoot] of receipts.entries()) {
      assert.equal((await runJob({ backend, ...job, until })).traceRoot, traceRoot);
    }
  });

  it("goes on from a start state: the rest of a run has the last states of the whole", async () => {
    for (const job of cases) {
      const { result, checkpoints } = await recorded(job);
      const at = Math.min(2, checkpoints.length - 2);
      const start = checkpoints[at]!;
      const rest = await runJob({ backend, ...job, start });
      assert.deepEqual(rest.checkpointRoots, result.checkpointRoots.slice(at));
      assert.equal(rest.modelRoot, result.modelRoot);
      assert.equal(rest.startStep, start.step);
    }
  });

  it("reports progress at the asked pace, and stops when told", async () => {
    const job = { ...cases[0]!, program: { ...cases[0]!.program, interval: 5 } };
    const positions: number[] = [];
    await runJob({
      backend,
      ...job,
      yieldEvery: 2,
      onStep: ({ position }) => void positions.push(position),
    });
    assert.deepEqual(positions, [2, 4, 5, 7]);
    const stop = new AbortController();
    const aborted = runJob({
      backend,
      ...job,
      yieldEvery: 1,
      onStep: () => stop.abort(),
      signal: stop.signal,
    });
    await assert.rejects(aborted, coded("ENGINE_RUN_ABORTED"));
  });

  it("refuses a start at the end and a resume state with another root", async () => {
    const job = cases.find(({ program }) =>
      program.state.some((tensor) => tensor.dtype === "i32"),
    )!;
    const { result, checkpoints } = await recorded(job);
    const end = { step: 7, state: result.state };
    await assert.rejects(runJob({ backend, ...job, start: end }), coded("ENGINE_INPUT_POSITION"));
    const forged = {
      ...checkpoints[1]!,
      state: checkpoints[1]!.state.map((words) => words.map((word) => word ^ 1)),
    };
    await assert.rejects(runJob({ backend, ...job, resume: forged }), coded("ENGINE_RESUME_ROOT"));
  });
});

describe("checkpoint files", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "assay-checkpoints-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("come back as they were, the newest whole one first", async () => {
    const job = cases[3]!;
    const { checkpoints, result } = await recorded(job);
    assert.equal(await latestCheckpoint(join(folder, "none"), job.program), undefined);
    for (const checkpoint of checkpoints) {
      const path = await saveCheckpoint(folder, job.program, checkpoint);
      assert.deepEqual(await loadCheckpoint(path, job.program), checkpoint);
    }
    assert.deepEqual(await latestCheckpoint(folder, job.program), checkpoints.at(-1));
    const path = checkpointPath(folder, 7);
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    await assert.rejects(loadCheckpoint(path, job.program), coded("ENGINE_CHECKPOINT_CORRUPT"));
    await writeFile(path, bytes.subarray(0, 100));
    await assert.rejects(loadCheckpoint(path, job.program), coded("ENGINE_CHECKPOINT_CORRUPT"));
    const resume = await latestCheckpoint(folder, job.program);
    assert.deepEqual(resume, checkpoints.at(-2));
    assert.deepEqual(await runJob({ backend, ...job, resume }), result);
    const other = cases[4]!.program;
    await assert.rejects(
      loadCheckpoint(checkpointPath(folder, 0), other),
      coded("ENGINE_CHECKPOINT_PROGRAM"),
    );
  });
});
