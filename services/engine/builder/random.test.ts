import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { referenceBackend } from "../reference/backend.ts";
import { Sketch } from "./evaluate.ts";
import { constant, integer } from "./graph.ts";
import { ProgramBuilder } from "./program.ts";
import { dropout, normal, shuffledBatch, uniform } from "./random.ts";
import { Streams } from "./streams.ts";

const moments = (values: readonly number[]): { mean: number; deviation: number } => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
};

const draw = async (seed: bigint, ...outputs: Parameters<Sketch["run"]>[0]): Promise<number[][]> =>
  new Sketch().run(outputs, seed);

describe("random numbers", () => {
  it("uniform fills its range evenly", async () => {
    const [values = []] = await draw(7n, uniform(1, [100, 200], { low: -2, high: 3 }));
    assert.ok(values.every((v) => v >= -2 && v < 3));
    const buckets = Array.from({ length: 20 }, () => 0);
    for (const v of values) buckets[Math.floor((v + 2) * 4)]! += 1;
    const chiSquare = buckets.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    assert.ok(chiSquare < 43.8, `χ² ${chiSquare} with 19 degrees of freedom`);
  });

  it("normal has the moments of a normal distribution", async () => {
    const [values = []] = await draw(8n, normal(2, [20_000], 0.5));
    const { mean, deviation } = moments(values);
    assert.ok(Math.abs(mean) < 0.015 && Math.abs(deviation - 0.5) < 0.01);
    const beyond = values.filter((v) => Math.abs(v) > 1).length / values.length;
    assert.ok(Math.abs(beyond - 0.0455) < 0.006, `${beyond} beyond two deviations`);
  });

  it("streams, seeds and elements differ, the same seed repeats", async () => {
    const shape = [64];
    const [a, b] = await draw(1n, uniform(1, shape), uniform(2, shape));
    const [again] = await draw(1n, uniform(1, shape));
    const [other] = await draw(2n, uniform(1, shape));
    assert.deepEqual(a, again);
    assert.notDeepEqual(a, b);
    assert.notDeepEqual(a, other);
    assert.equal(new Set(a).size, 64);
  });

  it("dropout zeroes its share and keeps the mean", async () => {
    const [values = []] = await draw(3n, dropout(5, constant(1, [20_000]), 0.25));
    const dropped = values.filter((v) => v === 0).length / values.length;
    assert.ok(Math.abs(dropped - 0.25) < 0.015);
    assert.ok(values.every((v) => v === 0 || v === Math.fround(4 / 3)));
  });
});

describe("streams", () => {
  it("keep their number whatever else is named", () => {
    const [few, many] = [new Streams(), new Streams()];
    many.named("init/other");
    assert.equal(few.named("init/layer1.weight"), many.named("init/layer1.weight"));
  });

  it("refuse a name twice", () => {
    const streams = new Streams();
    streams.named("a");
    assert.throws(
      () => streams.named("a"),
      (e) => isAssayError(e, "ENGINE_GRAPH"),
    );
  });
});

describe("shuffled batches", () => {
  it("visit each row at most once an epoch, in another order each epoch", async () => {
    const [rows, batch, epochs] = [23, 5, 3];
    const perEpoch = Math.floor(rows / batch);
    const job = new ProgramBuilder({ steps: perEpoch * epochs, interval: 1 });
    const picked = job.state("picked", integer(0, [batch]), { parameter: true });
    job.update(picked, shuffledBatch(rows, batch));
    const execution = await referenceBackend.prepare(job.build(), {
      data: [],
      parent: [],
      seed: 5n,
    });
    execution.init();
    const orders = Array.from({ length: epochs }, () =>
      Array.from({ length: perEpoch }, () => {
        execution.run(1);
        return [...execution.read(0)];
      }).flat(),
    );
    for (const order of orders) {
      assert.equal(new Set(order).size, perEpoch * batch);
      assert.ok(order.every((row) => row < rows));
    }
    assert.notDeepEqual(orders[0], orders[1]);
    assert.notDeepEqual(orders[1], orders[2]);
  });
});
