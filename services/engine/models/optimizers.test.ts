import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mul, sub } from "../builder/elementwise.ts";
import { constant } from "../builder/graph.ts";
import { ProgramBuilder } from "../builder/program.ts";
import { referenceBackend } from "../reference/backend.ts";
import { optimize, type OptimizerOptions } from "./optimizers.ts";
import { type Schedule, learningRateAt } from "./schedules.ts";

const STEPS = 12;
const START = [1, -2, 0.5];
const GOAL = [0.25, 0.5, -1];
const CURVATURE = 3;

/** The parameter after each step of minimising `½·3·Σ(p − goal)²`, as the program computes it. */
const trajectory = async (options: OptimizerOptions): Promise<number[][]> => {
  const job = new ProgramBuilder({ steps: STEPS, interval: 1 });
  const goal = job.data("goal", "f32", [3]);
  const start = job.data("start", "f32", [3]);
  const p = job.state("p", start, { parameter: true });
  const gradient = mul(sub(p, goal), CURVATURE);
  optimize(job, [{ name: "p", value: p, decays: true }], [gradient], options, STEPS);
  const bits = (v: readonly number[]): Uint32Array<ArrayBuffer> =>
    new Uint32Array(Float32Array.from(v).buffer);
  const execution = await referenceBackend.prepare(job.build(), {
    data: [bits(GOAL), bits(START)],
    parent: [],
    seed: 1n,
  });
  execution.init();
  return Array.from({ length: STEPS }, () => {
    execution.run(1);
    return [...new Float32Array(execution.read(0).buffer)];
  });
};

/** The same in double precision, from an update rule for one element. */
const expected = (
  update: (p: number, g: number, memory: Map<string, number>, t: number) => number,
  scale: (gradients: readonly number[]) => number = () => 1,
): number[][] => {
  let p = START;
  const memories = START.map(() => new Map<string, number>());
  return Array.from({ length: STEPS }, (_, t) => {
    const g = p.map((v, k) => (v - (GOAL[k] ?? 0)) * CURVATURE);
    const s = scale(g);
    p = p.map((v, k) => update(v, (g[k] ?? 0) * s, memories[k] ?? new Map(), t));
    return p;
  });
};

const close = (a: readonly number[][], b: readonly number[][]): void =>
  b.forEach((row, t) =>
    row.forEach((v, k) => {
      const got = a[t]?.[k] ?? NaN;
      assert.ok(
        Math.abs(got - v) <= 2e-6 * Math.max(1, Math.abs(v)),
        `step ${t}: ${got}, not ${v}`,
      );
    }),
  );

const cosineRate = (peak: number, warmup: number, floor: number, t: number): number =>
  t < warmup
    ? (peak * (t + 1)) / warmup
    : peak *
      (floor + (1 - floor) * 0.5 * (1 + Math.cos((Math.PI * (t - warmup)) / (STEPS - warmup))));

describe("SGD", () => {
  it("follows the formula with momentum and weight decay", async () => {
    close(
      await trajectory({ kind: "sgd", learningRate: 0.05, momentum: 0.9, weightDecay: 0.1 }),
      expected((p, g, memory) => {
        const v = 0.9 * (memory.get("v") ?? 0) + g + 0.1 * p;
        memory.set("v", v);
        return p - 0.05 * v;
      }),
    );
  });

  it("without momentum carries no state", async () => {
    close(
      await trajectory({ kind: "sgd", learningRate: 0.1 }),
      expected((p, g) => p - 0.1 * g),
    );
  });

  it("clips by the global norm", async () => {
    close(
      await trajectory({ kind: "sgd", learningRate: 0.1, clipNorm: 1.5 }),
      expected(
        (p, g) => p - 0.1 * g,
        (g) => Math.min(1, 1.5 / (Math.hypot(...g) + 1e-6)),
      ),
    );
  });
});

describe("AdamW", () => {
  it("follows the formula with bias correction, decoupled decay and a schedule", async () => {
    const schedule = { kind: "cosine", warmup: 3, floor: 0.1 } as const;
    close(
      await trajectory({
        kind: "adamw",
        learningRate: 0.1,
        weightDecay: 0.02,
        beta2: 0.99,
        schedule,
      }),
      expected((p, g, memory, t) => {
        const rate = cosineRate(0.1, 3, 0.1, t);
        const m = 0.9 * (memory.get("m") ?? 0) + 0.1 * g;
        const v = 0.99 * (memory.get("v") ?? 0) + 0.01 * g * g;
        memory.set("m", m).set("v", v);
        const hat = m / (1 - 0.9 ** (t + 1)) / (Math.sqrt(v / (1 - 0.99 ** (t + 1))) + 1e-8);
        return p - rate * 0.02 * p - rate * hat;
      }),
    );
  });
});

describe("learning rate", () => {
  const rates = async (schedule: Schedule): Promise<number[]> => {
    const job = new ProgramBuilder({ steps: STEPS, interval: 1 });
    const rate = job.state("rate", constant(0), { parameter: true });
    job.update(rate, mul(learningRateAt(0.2, schedule, STEPS), 1));
    const execution = await referenceBackend.prepare(job.build(), {
      data: [],
      parent: [],
      seed: 0n,
    });
    execution.init();
    return Array.from({ length: STEPS }, () => {
      execution.run(1);
      return new Float32Array(execution.read(0).buffer)[0] ?? NaN;
    });
  };

  for (const [schedule, exact] of [
    [{ kind: "constant" }, () => 0.2],
    [{ kind: "cosine" }, (t) => cosineRate(0.2, 0, 0, t)],
    [{ kind: "cosine", warmup: 4, floor: 0.25 }, (t) => cosineRate(0.2, 4, 0.25, t)],
    [{ kind: "step", every: 5, factor: 0.3 }, (t) => 0.2 * 0.3 ** Math.floor(t / 5)],
  ] as const satisfies readonly (readonly [Schedule, (t: number) => number])[])
    it(JSON.stringify(schedule), async () => {
      (await rates(schedule)).forEach((rate, t) =>
        assert.ok(Math.abs(rate - exact(t)) <= 1e-7, `step ${t}: ${rate}, not ${exact(t)}`),
      );
    });
});
