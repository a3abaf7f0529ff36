/** From a job file and its data set to the program that a preset, or a graph of one's own, makes of them. */
import type { NamedWords } from "@assay/engine/data/safetensors";
import type { FileSummary, TensorSummary } from "@assay/engine/data/stream";
import { onnxFile } from "@assay/engine/export/onnx";
import { onnxGraphFile } from "@assay/engine/export/onnx-nodes";
import type { NamedTensor, Program } from "@assay/engine/ir/types";
import { cnn, type CnnOptions, LENET, residualBlocks } from "@assay/engine/models/cnn";
import { graphModel, graphNetwork, type GraphModel } from "@assay/engine/models/graph";
import { mlp, type MlpOptions } from "@assay/engine/models/mlp";
import type { Network } from "@assay/engine/models/inference";
import type { Tuning } from "@assay/engine/models/layers";
import { transformerLm, type TransformerOptions } from "@assay/engine/models/transformer";
import { AssayError } from "@assay/protocol/errors";
import type { ModelOptions } from "./models.ts";
import type { JobFile } from "./schema.ts";

interface OptionsOf {
  readonly mlp: MlpOptions;
  readonly cnn: CnnOptions;
  readonly "transformer-lm": TransformerOptions;
}

/** A preset and its options. */
interface Made<Name extends keyof OptionsOf> {
  readonly preset: Name;
  readonly options: OptionsOf[Name];
}
type AnyMade = { [Name in keyof OptionsOf]: Made<Name> }[keyof OptionsOf];

type Preset<Name extends ModelOptions["preset"]> = Extract<ModelOptions, { preset: Name }>;

/** The options that were given: presets tell absent from zero. */
const given = <T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as ReturnType<typeof given<T>>;

const CLASSIFIER =
  "a classifier needs train.x f32[rows, inputs], train.y i32[rows], heldout.x, heldout.y";
const LANGUAGE = "a language model needs train.tokens and heldout.tokens, i32[tokens]";

const columnOf = (
  { tensors }: FileSummary,
  name: string,
  rank: number,
  remedy: string,
): TensorSummary => {
  const found = tensors.find((tensor) => tensor.name === name);
  if (found !== undefined && found.shape.length === rank) return found;
  throw new AssayError(
    "DATA_COLUMN_MISSING",
    `the data set has no column ${name} of ${rank} dimensions`,
    {
      remedy,
      details: {
        columns: tensors.map(
          (tensor) => `${tensor.name} ${tensor.dtype}[${tensor.shape.join(",")}]`,
        ),
      },
    },
  );
};

/** The largest number of some columns, plus one. Negative numbers count as huge ones, and so does whatever is no integer. */
const countOf = (columns: readonly TensorSummary[]): number =>
  Math.max(...columns.map(({ dtype, largest }) => (dtype === "i32" ? largest : 2 ** 32))) + 1;

const MOST_CLASSES = 65_536;
const MOST_TOKENS = 1_000_000;

/** Steps of a run, an epoch being `perEpoch` of them. */
const stepsOf = ({ epochs = 1, steps }: JobFile, perEpoch: number): number =>
  steps ?? Math.max(1, Math.round(epochs * perEpoch));

const runOf = (job: JobFile, perEpoch: number) => {
  const steps = stepsOf(job, perEpoch);
  return {
    // zod's output says `number | undefined` where the presets say "absent".
    optimizer: given(job.optimizer) as MlpOptions["optimizer"],
    batch: job.batch,
    steps,
    interval: Math.min(steps, job.checkpointEvery),
    evaluateAtMost: job.evaluateAtMost,
  };
};

const tooFew = (what: string, remedy: string): AssayError =>
  new AssayError("DATA_TOO_FEW_ROWS", what, { remedy });

/** What every classifier takes from its columns. */
const classifierOf = (job: JobFile, file: FileSummary) => {
  const trainX = columnOf(file, "train.x", 2, CLASSIFIER);
  const trainY = columnOf(file, "train.y", 1, CLASSIFIER);
  const heldOutX = columnOf(file, "heldout.x", 2, CLASSIFIER);
  const heldOutY = columnOf(file, "heldout.y", 1, CLASSIFIER);
  const outputs = countOf([trainY, heldOutY]);
  if (outputs > MOST_CLASSES) {
    throw new AssayError("DATA_LABELS_INVALID", `the labels run to ${outputs - 1}`, {
      remedy: "number the classes 0, 1, 2, … as i32",
    });
  }
  const [trainRows = 0, inputs = 0] = trainX.shape;
  if (trainRows < job.batch)
    throw tooFew(
      `${trainRows} training rows do not fill a batch of ${job.batch}`,
      "lower `batch` in the job file",
    );
  return {
    inputs,
    outputs,
    trainRows,
    heldOutRows: heldOutX.shape[0] ?? 0,
    ...runOf(job, Math.floor(trainRows / job.batch)),
  };
};

const mlpOf = (job: JobFile, model: Preset<"mlp">, file: FileSummary): Made<"mlp"> => {
  const { preset, ...options } = model;
  return { preset, options: { ...given(options), ...classifierOf(job, file) } };
};

const IMAGE_TEXT = /^([0-9]+)x([0-9]+)x([0-9]+)$/;

/** Height, width and channels of a row: what the job file says, else the data set's metadata. */
const imageOf = (
  { image }: Preset<"cnn">,
  { metadata }: FileSummary,
  inputs: number,
): CnnOptions["image"] => {
  const said =
    image ??
    IMAGE_TEXT.exec(metadata["image"] ?? "")
      ?.slice(1)
      .map(Number);
  const [height = 0, width = 0, channels = 0] = said ?? [];
  if (height * width * channels === inputs && inputs > 0) return { height, width, channels };
  throw new AssayError(
    "DATA_IMAGE_SIZE",
    said === undefined
      ? `nothing says how the ${inputs} numbers of a row make an image`
      : `a row has ${inputs} numbers, an image of ${height}×${width}×${channels} has ${height * width * channels}`,
    { remedy: "set model.image: [height, width, channels] in the job file" },
  );
};

const blocksOf = ({ blocks }: Preset<"cnn">): Pick<CnnOptions, "blocks" | "hidden"> => {
  if (blocks === "lenet") return LENET;
  if (Array.isArray(blocks)) return { blocks: blocks.map(given), hidden: [] };
  return { blocks: residualBlocks(blocks.resnet.stages, blocks.resnet.depth), hidden: [] };
};

const cnnOf = (job: JobFile, model: Preset<"cnn">, file: FileSummary): Made<"cnn"> => {
  const { inputs, ...common } = classifierOf(job, file);
  const { preset, blocks: _blocks, image: _image, hidden, ...options } = model;
  const shape = blocksOf(model);
  return {
    preset,
    options: {
      ...given(options),
      ...common,
      image: imageOf(model, file, inputs),
      blocks: shape.blocks,
      hidden: hidden ?? shape.hidden,
    },
  };
};

/** Tokens there are: what the job file says, else the data set's metadata, else as many as occur. */
const vocabularyOf = (
  { vocabulary }: Preset<"transformer-lm">,
  { metadata }: FileSummary,
  columns: readonly TensorSummary[],
): number => {
  const occur = countOf(columns);
  const said = vocabulary ?? Number(metadata["vocabulary"] ?? occur);
  if (occur <= said && said <= MOST_TOKENS) return said;
  throw new AssayError(
    "DATA_TOKENS_INVALID",
    `the tokens run to ${occur - 1}, the vocabulary has ${said}`,
    { remedy: "number the tokens 0, 1, 2, … as i32, and leave model.vocabulary out" },
  );
};

const transformerOf = (
  job: JobFile,
  model: Preset<"transformer-lm">,
  file: FileSummary,
): Made<"transformer-lm"> => {
  const train = columnOf(file, "train.tokens", 1, LANGUAGE);
  const heldOut = columnOf(file, "heldout.tokens", 1, LANGUAGE);
  const [trainTokens = 0, heldOutTokens = 0] = [train.shape[0], heldOut.shape[0]];
  const { preset, ...options } = model;
  if (Math.min(trainTokens, heldOutTokens) <= model.context)
    throw tooFew(
      `${trainTokens} and ${heldOutTokens} tokens do not fill a context of ${model.context}`,
      "lower `model.context` in the job file",
    );
  return {
    preset,
    options: {
      ...given(options),
      vocabulary: vocabularyOf(model, file, [train, heldOut]),
      trainTokens,
      heldOutTokens,
      ...runOf(job, trainTokens / (job.batch * model.context)),
    },
  };
};

/** A preset with the options that job file and data set come to. @throws `DATA_…` for columns that do not go with the model */
const madeOf = (
  job: JobFile,
  model: Exclude<ModelOptions, { preset: "graph" }>,
  file: FileSummary,
): AnyMade => {
  switch (model.preset) {
    case "mlp":
      return mlpOf(job, model, file);
    case "cnn":
      return cnnOf(job, model, file);
    default:
      return transformerOf(job, model, file);
  }
};

const tuningOf = ({ tuning = {} }: JobFile, parent: readonly NamedTensor[]): Tuning => {
  const { fresh, freeze, lora } = tuning;
  return {
    ...(parent.length === 0
      ? {}
      : { parent: parent.map(({ name, dtype, shape }) => ({ name, dtype, shape })) }),
    ...given({ fresh, freeze }),
    ...(lora === undefined ? {} : { lora: given(lora) }),
  };
};

const graphOf = (
  job: JobFile,
  { graph }: Preset<"graph">,
  { tensors }: FileSummary,
  tuning: Tuning,
): Program => {
  const inputs: unknown = typeof graph === "string" ? [] : graph["inputs"];
  const input: unknown = Array.isArray(inputs) ? inputs[0] : undefined;
  const first = tensors.find(({ name }) => name === `train.${String(input)}`);
  return graphModel({
    // What is in it is checked there, with the place.
    graph: graph as unknown as GraphModel,
    columns: tensors,
    tuning,
    ...runOf(job, Math.floor((first?.shape[0] ?? 0) / job.batch)),
  });
};

/**
 * The program of a job; `parent` are the tensors of the parent model, none without one. @throws `DATA_…` for columns that do
 * not go with the model, `ENGINE_GRAPH` for sizes, names or a parent that do not fit
 */
export const buildProgram = (
  job: JobFile,
  file: FileSummary,
  parent: readonly NamedTensor[] = [],
): Program => {
  const tuning = tuningOf(job, parent);
  if (job.model.preset === "graph") return graphOf(job, job.model, file, tuning);
  const made = madeOf(job, job.model, file);
  switch (made.preset) {
    case "mlp":
      return mlp({ ...made.options, tuning });
    case "cnn":
      return cnn({ ...made.options, tuning });
    default:
      return transformerLm({ ...made.options, tuning });
  }
};

const networkOf = (
  job: JobFile,
  model: Exclude<ModelOptions, { preset: "graph" }>,
  file: FileSummary,
): Network => {
  const { preset, options } = madeOf(job, model, file);
  const { lora } = tuningOf(job, []);
  return { preset, ...options, ...(lora === undefined ? {} : { lora }) } as Network;
};

/** Rows that a network is laid out for on its way to a file, which then takes any number. */
const EXPORTED_ROWS = 2;

/**
 * The model of a job as an ONNX file; `output` names a node of a model of one's own. @throws as {@link buildProgram}, `EXPORT_…`,
 * and `USAGE_OPTION_UNUSED`
 */
export const onnxOf = (
  job: JobFile,
  file: FileSummary,
  tensors: readonly NamedWords[],
  output?: string,
): Uint8Array => {
  const { model } = job;
  if (model.preset === "graph") {
    const tuning = tuningOf(job, []);
    const graph = model.graph as unknown as GraphModel;
    const network = graphNetwork({ graph, columns: file.tensors, tuning, output }, EXPORTED_ROWS);
    return onnxGraphFile(network, tensors, tuning.lora);
  }
  if (output !== undefined)
    throw new AssayError("USAGE_OPTION_UNUSED", `${model.preset} has one output, its logits`, {
      remedy: "leave --output out",
    });
  return onnxFile(networkOf(job, model, file), tensors);
};
