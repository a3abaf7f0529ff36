/** Every preset, from what `assay init` writes to a trained and measured model. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { tensorListRoot } from "@assay/engine/data/dataset";
import { decodeSafetensors, encodeSafetensors } from "@assay/engine/data/safetensors";
import { parseProgram } from "@assay/engine/ir/json";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { runJob } from "@assay/engine/trace/run";
import { wasmBackend } from "@assay/engine/wasm/backend";
import { isAssayError } from "@assay/protocol/errors";
import { metricsOf } from "../verify/evaluate.ts";
import type { PresetName } from "./models.ts";
import { jobColumns, prepareJob, type PreparedJob, scanData } from "./prepare.ts";
import { SAMPLES } from "./presets.ts";
import { onnxOf } from "./program.ts";
import { jobFileTemplate } from "./template.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-presets-"));
after(() => rmSync(folder, { recursive: true }));

const TOKEN = { symbol: "tUSD", decimals: 6 };

/** Prepares a preset's job after changes to the text of its job file, or another data file. */
const prepare = (
  preset: PresetName,
  change: (text: string) => string = (text) => text,
  data?: Uint8Array,
): Promise<PreparedJob> => {
  const { template, write } = SAMPLES[preset];
  writeFileSync(join(folder, template.data), data ?? write());
  const jobFile = join(folder, `${preset}.yaml`);
  writeFileSync(jobFile, change(jobFileTemplate(template)));
  return prepareJob(jobFile, TOKEN);
};

const train = async (prepared: PreparedJob): Promise<Record<string, number>> => {
  const program = parseProgram(new TextDecoder().decode(prepared.programFile));
  const data = await jobColumns(prepared);
  const { evaluation } = await runJob({
    backend: wasmBackend,
    program,
    inputs: { data, parent: [], seed: prepared.seed },
  });
  return metricsOf(program, evaluation);
};

const refused = (code: string, prepared: Promise<PreparedJob>): Promise<void> =>
  assert.rejects(prepared, (error) => isAssayError(error, code));

describe("presets", () => {
  const reached: Record<PresetName, (metrics: Record<string, number>) => boolean> = {
    mlp: ({ accuracy = 0 }) => accuracy > 0.95,
    cnn: ({ accuracy = 0 }) => accuracy > 0.95,
    "transformer-lm": ({ perplexity = Number.POSITIVE_INFINITY }) => perplexity < 5,
  };
  for (const preset of Object.keys(SAMPLES) as (keyof typeof SAMPLES)[])
    test(`${preset}: what \`assay init\` writes trains to a model that has learnt`, async () => {
      const metrics = await train(await prepare(preset));
      assert.ok(reached[preset](metrics), JSON.stringify(metrics));
    });

  test("cnn: architectures by name", async () => {
    const withBlocks = (blocks: string) => (text: string) =>
      text.replace(/ {2}blocks:[^]*? {2}hidden: \[32\].*\n/, `  blocks: ${blocks}\n`);
    const shapes = async (blocks: string): Promise<string[]> =>
      (await prepare("cnn", withBlocks(blocks))).program.state
        .filter(({ parameter }) => parameter)
        .map(({ name }) => name);
    assert.ok((await shapes("lenet")).includes("layer3.bias"), "two hidden layers");
    const resnet = await shapes("{ resnet: { stages: [4, 8], depth: 1 } }");
    assert.ok(resnet.includes("block3.shortcut.weight"));
    assert.ok(resnet.includes("block3.second.norm.variance"));
    await refused("JOB_FILE_INVALID", prepare("cnn", withBlocks("alexnet")));
    await refused("ENGINE_GRAPH", prepare("cnn", withBlocks("[{ kind: maxPool, size: 13 }]")));
  });

  test("cnn: the image size comes from the job file or the data, and must match", async () => {
    const { tensors } = decodeSafetensors(SAMPLES.cnn.write());
    const unsaid = encodeSafetensors(tensors);
    await refused("DATA_IMAGE_SIZE", prepare("cnn", undefined, unsaid));
    const said = (image: string) => (text: string) => text.replace("# image: [28, 28, 1]", image);
    const { program } = await prepare("cnn", said("image: [12, 12, 1]"), unsaid);
    assert.equal(program.data[0]?.shape[1], 144);
    await refused("DATA_IMAGE_SIZE", prepare("cnn", said("image: [28, 28, 1]")));
  });

  test("transformer-lm: the vocabulary comes from the job file, the data, or the tokens", async () => {
    const size = async (
      change?: (text: string) => string,
      data?: Uint8Array,
    ): Promise<number | undefined> =>
      (await prepare("transformer-lm", change, data)).program.state.find(
        ({ name }) => name === "token.weight",
      )?.shape[0];
    assert.equal(await size(), 13);
    const add = (line: string) => (text: string) =>
      text.replace("  context:", `  ${line}\n  context:`);
    assert.equal(await size(add("vocabulary: 20")), 20);
    const { tensors } = decodeSafetensors(SAMPLES["transformer-lm"].write());
    assert.equal(await size(undefined, encodeSafetensors(tensors)), 13);
    await refused("DATA_TOKENS_INVALID", prepare("transformer-lm", add("vocabulary: 12")));
    await refused(
      "DATA_TOO_FEW_ROWS",
      prepare("transformer-lm", (text) => text.replace("context: 32", "context: 8000")),
    );
    await refused("DATA_COLUMN_MISSING", prepare("transformer-lm", undefined, SAMPLES.mlp.write()));
  });

  test("tuning: from a parent, with layers frozen or adapted", async () => {
    const { program, programFile } = await prepare("mlp");
    const parent = program.state.filter(({ parameter }) => parameter);
    const model = parent.map(({ name, dtype, shape }) => ({
      name,
      dtype,
      shape,
      words: new Uint32Array(shape.reduce((a, b) => a * b, 1)).fill(1),
    }));
    writeFileSync(join(folder, "model.safetensors"), encodeSafetensors(model));
    const tuned = (tuning: string): Promise<PreparedJob> =>
      prepare("mlp", (text) => `${text}tuning: ${tuning}\n`);
    const frozen = await tuned("{ parent: model.safetensors, freeze: [layer1] }");
    assert.equal(frozen.parent?.root, tensorListRoot(nodeHasher, model));
    assert.deepEqual(
      frozen.program.parent.map(({ name }) => name),
      parent.map(({ name }) => name),
    );
    assert.ok(frozen.programFile.length < programFile.length + 4096);
    const adapted = await tuned("{ lora: { rank: 2, alpha: 4, targets: [layer2] } }");
    assert.ok(adapted.program.state.some(({ name }) => name === "layer2.lora.up"));
    assert.equal(adapted.parent, undefined);
    await refused("MODEL_UNREADABLE", tuned("{ parent: none.safetensors }"));
    await refused("ENGINE_GRAPH", tuned("{ freeze: [layer7] }"));
    await refused("JOB_FILE_INVALID", tuned("{ lora: { rank: 0 } }"));
  });

  test("a graph of one's own, in the job file or beside it, trains; its mistakes have a place", async () => {
    const graph = {
      inputs: ["x", "y"],
      nodes: [
        { id: "h", op: "dense", of: "x", outputs: 24 },
        { id: "a", op: "tanh", of: "h" },
        { id: "b", op: "dense", of: "a", outputs: 24 },
        { id: "c", op: "tanh", of: "b" },
        { id: "z", op: "dense", of: "c", outputs: 3 },
        { id: "loss", op: "crossEntropy", of: ["z", "y"] },
        { id: "right", op: "accuracy", of: ["z", "y"] },
      ],
      loss: "loss",
      metrics: { accuracy: "right" },
    };
    const withGraph = (value: unknown) => (text: string) =>
      text.replace(
        /^model:\n(?: .*\n)+/m,
        `model: ${JSON.stringify({ preset: "graph", graph: value })}\n`,
      );
    const inline = await prepare("mlp", withGraph(graph));
    const { accuracy = 0 } = await train(inline);
    assert.ok(accuracy > 0.9, `accuracy ${accuracy}`);
    const summary = await scanData(inline.dataFile);
    const model = inline.program.state
      .filter(({ parameter }) => parameter)
      .map(({ name, dtype, shape }) => ({
        name,
        dtype,
        shape,
        words: new Uint32Array(shape.reduce((a, b) => a * b, 1)),
      }));
    assert.ok(onnxOf(inline.job, summary, model).length > 1000);
    assert.notDeepEqual(
      onnxOf(inline.job, summary, model, "a"),
      onnxOf(inline.job, summary, model, "z"),
    );
    assert.throws(
      () => onnxOf(inline.job, summary, model, "right"),
      (error) => isAssayError(error, "EXPORT_UNSUPPORTED") && error.remedy !== undefined,
    );
    const { job } = await prepare("mlp");
    assert.throws(
      () => onnxOf(job, summary, model, "z"),
      (error) => isAssayError(error, "USAGE_OPTION_UNUSED"),
    );
    writeFileSync(join(folder, "net.json"), JSON.stringify(graph));
    const beside = await prepare("mlp", withGraph("net.json"));
    assert.equal(beside.programRoot, inline.programRoot);
    await refused("JOB_FILE_GRAPH", prepare("mlp", withGraph("none.json")));
    await assert.rejects(
      prepare("mlp", withGraph({ ...graph, loss: "q" })),
      (error) => isAssayError(error, "ENGINE_GRAPH_JSON") && error.details["place"] === "loss",
    );
  });

  test("steps instead of epochs", async () => {
    const { program } = await prepare("cnn", (text) => text.replace(/^epochs: .*$/m, "steps: 17"));
    assert.equal(program.steps, 17);
  });
});
