/** `model:` of a job file: one schema per preset. */
import { z } from "zod";

const activation = z.enum(["relu", "gelu", "tanh", "sigmoid", "silu"]);
const width = z.int().min(1).max(8192);
const dropout = z.number().min(0).lt(1).optional();
/** Scale of the initial weights relative to the activation's usual ones. */
const initialScale = z.number().positive().max(10).optional();

const mlpSchema = z.strictObject({
  preset: z.literal("mlp"),
  /** Widths of the hidden layers. */
  hidden: z.array(width).min(1).max(16),
  activation: activation.default("relu"),
  dropout,
  /** The same for the features of a row. */
  inputDropout: dropout,
  initialScale,
});

const side = z.int().min(1).max(64);
const moves = { stride: side.optional(), padding: z.int().min(0).max(64).optional() };

const blockSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("convolution"),
    filters: width,
    size: side,
    ...moves,
    dilation: side.optional(),
    groups: width.optional(),
    batchNorm: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal("maxPool"), size: side, ...moves }),
  z.strictObject({ kind: z.literal("averagePool"), size: side, ...moves }),
  z.strictObject({ kind: z.literal("globalPool") }),
  z.strictObject({ kind: z.literal("residual"), filters: width, stride: side.optional() }),
]);

const cnnSchema = z.strictObject({
  preset: z.literal("cnn"),
  /** `lenet`; `{ resnet: { stages, depth } }`; or the blocks one by one. */
  blocks: z
    .union([
      z.literal("lenet"),
      z.strictObject({
        resnet: z.strictObject({
          /** Filters of each stage; every stage after the first halves the image. */
          stages: z.array(width).min(1).max(8),
          /** Residual blocks of a stage. */
          depth: z.int().min(1).max(16).default(1),
        }),
      }),
      z.array(blockSchema).min(1).max(64),
    ])
    .default("lenet"),
  /** Widths of the dense layers between the blocks and the classes; those of the architecture when not given. */
  hidden: z.array(width).max(16).optional(),
  /** Height, width and channels of a row of train.x; what the data set says when not given. */
  image: z.tuple([width, width, width]).optional(),
  activation: activation.default("relu"),
  dropout,
  initialScale,
});

const transformerSchema = z.strictObject({
  preset: z.literal("transformer-lm"),
  /** Tokens that a prediction can look back on. */
  context: width,
  width,
  layers: z.int().min(1).max(64),
  heads: z.int().min(1).max(256),
  /** Width inside a feed-forward layer; four times the width when not given. */
  inner: z.int().min(1).max(65_536).optional(),
  activation: activation.default("gelu"),
  dropout,
  /** Tokens run from 0 to here, exclusive; what the data set says, or its largest token, when not given. */
  vocabulary: z.int().min(1).max(1_000_000).optional(),
});

const graphSchema = z.strictObject({
  preset: z.literal("graph"),
  /** The model in JSON (`@assay/engine/models/graph`), here or in a file beside the job file. */
  graph: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
});

export const modelSchema = z.discriminatedUnion("preset", [
  mlpSchema,
  cnnSchema,
  transformerSchema,
  graphSchema,
]);
export type ModelOptions = z.infer<typeof modelSchema>;
/** Presets that the engine builds by itself. */
export type PresetName = Exclude<ModelOptions["preset"], "graph">;

const names = z.array(z.string().min(1)).max(256).optional();

/** `tuning:` of a job file: what training starts from, and what of it is trained. */
export const tuningSchema = z.strictObject({
  /** A model file, relative to the job file, that a settled job of the market produced. */
  parent: z.string().min(1).optional(),
  /** Parameters drawn anew although the parent has them: a name, or what stands before a dot in it. */
  fresh: names,
  /** Parameters that stay as they are. */
  freeze: names,
  /** Low-rank adapters; everything else stays as it is. */
  lora: z
    .strictObject({
      rank: z.int().min(1).max(1024),
      alpha: z.number().positive().max(100_000).optional(),
      targets: names,
    })
    .optional(),
});
