import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import { modelCard, type ModelCardParts } from "./model-card.ts";

const hex = (digit: string): `0x${string}` => `0x${digit.repeat(64)}`;

/** Of a job on the chain, what a card reads. */
const chain = {
  job: {
    terms: {
      jobId: hex("1"),
      programRoot: hex("2"),
      dataRoot: hex("3"),
      parentRoot: hex("0"),
      seed: 7n,
      startStep: 0,
      interval: 30,
      steps: 100,
      numerics: 1,
      provider: "0x00000000000000000000000000000000000000aa",
    },
    progress: { checkpoint: 4, traceRoot: hex("4"), evalRoot: hex("5") },
  },
  settlement: { assurance: "unchallenged", paid: 1n, refunded: 0n },
} as unknown as ChainJob;

const parts: ModelCardParts = {
  modelRoot: hex("6"),
  model: {
    tensors: [
      { name: "layer1.weight", dtype: "f32", shape: [784, 512] },
      { name: "layer1.bias", dtype: "f32", shape: [512] },
    ],
    metadata: { "eval.accuracy": "0.968", programRoot: hex("2"), dataRoot: hex("3"), step: "100" },
  },
  data: {
    tensors: [{ name: "train.x", dtype: "f32", shape: [8000, 784] }],
    metadata: { licence: "CC-BY-4.0", source: "csv" },
  },
  chain,
};

describe("model card", () => {
  test("says what it is, from what, under which licence, what it scored, and how to check it", () => {
    const card = modelCard(parts);
    for (const line of [
      `# Model ${hex("6")}`,
      `Trained by job ${hex("1")} on the Assay market. 401,920 parameters in 2 tensors.`,
      `| program | ${hex("2")} |`,
      `| data set | ${hex("3")} |`,
      "| parent | none, trained from scratch |",
      "| steps | 100 of 100 |",
      "| assurance | unchallenged |",
      `| evaluation | ${hex("5")} |`,
      "Licence: CC-BY-4.0. Source: csv. This is what the file says of itself.",
      "| train.x | f32 [8000, 784] |",
      "| accuracy | 0.968 |",
      "| layer1.weight | f32 [784, 512] |",
      "`assay verify model.safetensors` reads the chain; with `--rerun` it runs the whole job again and compares trace, model and evaluation.",
    ])
      assert.ok(card.split("\n").includes(line), `${line}\nis not in\n${card}`);
  });

  test("without a chain says what the model's file says", () => {
    const card = modelCard({ ...parts, chain: undefined, preset: "mlp" });
    assert.match(card, /Trained on the Assay market\. Preset: mlp\. 401,920/);
    assert.ok(card.includes(`| program | ${hex("2")} |`));
    assert.match(card, /\| seed \| not said \|/);
  });

  test("says what is missing: a data set that is gone, a checkpoint without evaluation", () => {
    const { metadata: _, ...model } = parts.model;
    const card = modelCard({ ...parts, data: undefined, model: { ...model, metadata: {} } });
    assert.match(card, /The data set could not be read/);
    assert.match(card, /None: a checkpoint on the way\./);
  });

  test("lets no name or licence of others break out of its place", () => {
    const name = "x |\n# <script>alert`1`</script> [a](b)";
    const card = modelCard({
      ...parts,
      model: { tensors: [{ name, dtype: "f32", shape: [] }], metadata: { [`eval.${name}`]: name } },
      data: { tensors: [{ name, dtype: "i32", shape: [3] }], metadata: { licence: name } },
    });
    assert.doesNotMatch(card, /^# <script|[^\\]<script|[^\\]`1|[^\\]\[a\]/m);
    for (const row of card.split("\n").filter((line) => line.includes("script")))
      assert.ok(!row.startsWith("|") || row.match(/(?<!\\)\|/g)?.length === 3, row);
  });
});
