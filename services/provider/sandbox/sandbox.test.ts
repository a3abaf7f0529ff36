import assert from "node:assert/strict";
import { test } from "node:test";
import { printProgram } from "@assay/engine/ir/json";
import { mlp } from "@assay/engine/models/mlp";
import { runJob } from "@assay/engine/trace/run";
import { wasmBackend } from "@assay/engine/wasm/backend";
import { compile } from "@assay/engine/wasm/compile";
import { divisionFor } from "@assay/engine/wasm/parallel";
import { speedReport, type SpeedReport } from "@assay/engine/wasm/report";
import { LANES, PLAIN_ENGINE, startEngine, tileOf } from "@assay/engine/wasm/settings";
import { isAssayError } from "@assay/protocol/errors";
import type { Assignment, CheckpointMessage } from "./messages.ts";
import { measureInSandbox, trainInSandbox, type SandboxOptions } from "./sandbox.ts";

const programOf = (steps: number, interval: number) =>
  mlp({
    inputs: 8,
    hidden: [16],
    outputs: 2,
    activation: "relu",
    optimizer: { kind: "sgd", learningRate: 0.05 },
    batch: 8,
    interval,
    steps,
    trainRows: 16,
    heldOutRows: 4,
  });
const short = programOf(100, 30);
const endless = programOf(2 ** 30, 2 ** 30);
const dataOf = (program: typeof short) =>
  program.data.map(({ dtype, shape }) => {
    const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i % 2);
    return new Uint32Array(
      (dtype === "f32" ? Float32Array.from(values) : Int32Array.from(values)).buffer,
    );
  });
const assignment = (program: typeof short, change: Partial<Assignment> = {}): Assignment => ({
  kind: "train",
  program: printProgram(program),
  data: dataOf(program),
  seed: 3n,
  start: undefined,
  resume: undefined,
  engine: PLAIN_ENGINE,
  stride: 10,
  dutyCycle: 1,
  lossName: "loss",
  ...change,
});
const run = (job: Assignment, options: Partial<SandboxOptions> = {}) =>
  trainInSandbox({
    assignment: job,
    onStep: () => undefined,
    onCheckpoint: () => Promise.resolve(),
    signal: new AbortController().signal,
    ...options,
  });
const expected = await runJob({
  backend: wasmBackend,
  program: short,
  inputs: { data: dataOf(short), parent: [], seed: 3n },
});

test("the sandbox gives the bits that the engine gives", async () => {
  const checkpoints: CheckpointMessage[] = [];
  const losses: (number | null)[] = [];
  const compiled: SpeedReport[] = [];
  const model = await run(assignment(short), {
    onCompiled: (speed) => {
      assert.equal(checkpoints.length, 0, "memory and slow ops are told before the first step");
      compiled.push(speed);
    },
    onCheckpoint: (checkpoint) => Promise.resolve(void checkpoints.push(checkpoint)),
    onStep: (_step, loss) => void losses.push(loss),
  });
  assert.equal(model.traceRoot, expected.traceRoot);
  assert.deepEqual(model.state, expected.state);
  assert.deepEqual(model.evaluation, expected.evaluation);
  assert.deepEqual(
    checkpoints.map(({ step }) => step),
    [0, 30, 60, 90, 100],
  );
  const execution = await wasmBackend.prepare(short, {
    data: dataOf(short),
    parent: [],
    seed: 3n,
  });
  assert.deepEqual(compiled, [speedReport(short, execution.report)]);
  execution.close();
  assert.ok(losses.length > 0 && losses.every((loss) => typeof loss === "number" && loss > 0));
});

test("a run that goes on from any checkpoint gives the same bits", async () => {
  const checkpoints: CheckpointMessage[] = [];
  await run(assignment(short), {
    onCheckpoint: (checkpoint) => Promise.resolve(void checkpoints.push(checkpoint)),
  });
  for (const { roots, state } of checkpoints) {
    const model = await run(assignment(short, { resume: { roots, state } }));
    assert.equal(model.traceRoot, expected.traceRoot);
  }
});

test("training does not run ahead of a checkpoint that is not kept yet", async () => {
  const keep = Promise.withResolvers<void>();
  let later = false;
  const running = run(assignment(short), {
    onCheckpoint: ({ index }) => {
      if (index > 0) later = true;
      return keep.promise;
    },
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(later, false);
  keep.resolve();
  assert.equal((await running).traceRoot, expected.traceRoot);
});

test("a run is killed in the middle of its work", async () => {
  const abort = new AbortController();
  const running = run(assignment(endless, { stride: 2 ** 30 }), { signal: abort.signal });
  setTimeout(() => abort.abort(), 300);
  await assert.rejects(running, (error) => isAssayError(error, "JOB_STOPPED"));
});

test("a checkpoint that cannot be kept ends the run", async () => {
  await assert.rejects(
    run(assignment(short), { onCheckpoint: () => Promise.reject(new Error("disk full")) }),
    /disk full/,
  );
});

test("an engine error keeps its code", async () => {
  await assert.rejects(run(assignment(short, { data: dataOf(short).slice(1) })), (error) =>
    isAssayError(error, "ENGINE_INPUT_SHAPE"),
  );
  await assert.rejects(run(assignment(short, { program: "{}" })), (error) =>
    isAssayError(error, "ENGINE_PROGRAM_STRUCTURE"),
  );
});

test("a duty cycle slows the run down and changes no bit", async () => {
  const program = programOf(40_000, 20_000);
  const time = async (dutyCycle: number): Promise<{ seconds: number; root: string }> => {
    let begun = 0;
    let ended = 0;
    const model = await run(assignment(program, { dutyCycle, stride: 100 }), {
      onCheckpoint: ({ index }) => {
        if (index === 0) begun = performance.now();
        ended = performance.now();
        return Promise.resolve();
      },
    });
    return { seconds: ended - begun, root: model.traceRoot };
  };
  const full = [await time(1), await time(1), await time(1)];
  const slow = await time(0.1);
  for (const { root } of full) assert.equal(slow.root, root);
  // Ten times as long on an idle machine. A busy one slows down what does not rest, but not to a tenth each time.
  const fastest = Math.min(...full.map(({ seconds }) => seconds));
  assert.ok(slow.seconds > fastest, `${slow.seconds} against ${fastest} ms`);
});

test("a program is measured without touching its data, and slower programs take longer a step", async () => {
  const pace = async (width: number) => {
    const program = mlp({
      inputs: 8,
      hidden: [width],
      outputs: 2,
      activation: "relu",
      optimizer: { kind: "sgd", learningRate: 0.05 },
      batch: 8,
      interval: 1_000,
      steps: 1_000_000,
      trainRows: 16,
      heldOutRows: 4,
    });
    const data = dataOf(program);
    const before = data.map((words) => words.slice());
    const measured = await measureInSandbox(
      {
        kind: "measure",
        program: printProgram(program),
        data,
        seed: 1n,
        engine: PLAIN_ENGINE,
        milliseconds: 100,
      },
      new AbortController().signal,
    );
    assert.deepEqual(data, before);
    return measured.stepSeconds;
  };
  // A machine that is busy elsewhere may make a short measurement long, but hardly three in a row.
  const narrow = Math.min(await pace(16), await pace(16), await pace(16));
  const wide = await pace(2_048);
  assert.ok(narrow > 0 && wide > narrow, `${narrow} and ${wide} s a step`);
});

test("a measurement that takes too long is given up", async () => {
  const data = dataOf(endless);
  const program = printProgram(endless);
  await assert.rejects(
    measureInSandbox(
      { kind: "measure", program, data, seed: 1n, engine: PLAIN_ENGINE, milliseconds: 60_000 },
      AbortSignal.timeout(300),
    ),
    (error) => isAssayError(error, "JOB_STOPPED"),
  );
});

/** Large enough that its contractions are worth dividing. */
const divided = (steps: number, interval: number) =>
  mlp({
    inputs: 64,
    hidden: [64],
    outputs: 4,
    activation: "relu",
    optimizer: { kind: "adamw", learningRate: 0.01 },
    batch: 64,
    interval,
    steps,
    trainRows: 128,
    heldOutRows: 64,
  });

test("any lanes and number of threads give the same bits, also from a checkpoint on", async () => {
  const program = divided(25, 10);
  const job = assignment(program);
  const { traceRoot, state, evaluation } = await run(assignment(program));
  // The flag of wide lanes holds for all threads of the process from here on.
  startEngine({ lanes: "wide", threads: 1 }, 1);
  for (const lanes of LANES)
    for (const threads of [1, 2]) {
      const engine = { lanes, threads };
      assert.equal(compile(program, tileOf(lanes), divisionFor(threads)).threads, threads);
      const checkpoints: CheckpointMessage[] = [];
      const again = { ...job, engine, data: dataOf(program) };
      const whole = await run(again, {
        onCheckpoint: (checkpoint) => Promise.resolve(void checkpoints.push(checkpoint)),
      });
      assert.deepEqual(
        [whole.traceRoot, whole.state, whole.evaluation],
        [traceRoot, state, evaluation],
      );
      const { roots, state: from } = checkpoints[1] as CheckpointMessage;
      const resume = { roots, state: from };
      const rest = await run({ ...again, data: dataOf(program), resume, dutyCycle: 0.5 });
      assert.equal(rest.traceRoot, traceRoot);
    }
});

test("a run on several threads is killed and measured like one on one", async () => {
  const program = divided(2 ** 28, 2 ** 28);
  const engine = { lanes: "narrow", threads: 2 } as const;
  assert.equal(compile(program, tileOf("narrow"), divisionFor(2)).threads, 2);
  const abort = new AbortController();
  const running = run(assignment(program, { engine, stride: 2 ** 30 }), { signal: abort.signal });
  setTimeout(() => abort.abort(), 300);
  await assert.rejects(running, (error) => isAssayError(error, "JOB_STOPPED"));
  const { stepSeconds } = await measureInSandbox(
    {
      kind: "measure",
      program: printProgram(program),
      data: dataOf(program),
      seed: 1n,
      engine,
      milliseconds: 50,
    },
    new AbortController().signal,
  );
  assert.ok(stepSeconds > 0);
});

test("a failure that nobody foresaw may be tried again", async () => {
  const odd = assignment(short, { seed: "3" as unknown as bigint });
  await assert.rejects(run(odd), (error) => isAssayError(error, "JOB_CRASHED") && error.retryable);
});
