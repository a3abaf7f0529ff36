/** A `job.yaml`: what to train, on what, and what it may cost. `assay init` writes one with comments. */
import { z } from "zod";
import { constraintsSchema } from "@assay/protocol/wire/description";

const rate = z.number().positive().max(10);

const common = {
  learningRate: rate,
  weightDecay: z.number().min(0).max(1).optional(),
  /** Gradients are scaled down where their global norm is larger. */
  clipNorm: z.number().positive().optional(),
  schedule: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("constant") }),
      z.strictObject({
        kind: z.literal("cosine"),
        warmup: z.int().min(0).optional(),
        floor: z.number().min(0).max(1).optional(),
      }),
      z.strictObject({
        kind: z.literal("step"),
        every: z.int().min(1),
        factor: z.number().positive().max(1),
      }),
    ])
    .optional(),
};

const optimizerSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("sgd"),
    ...common,
    momentum: z.number().min(0).lt(1).optional(),
  }),
  z.strictObject({
    kind: z.literal("adamw"),
    ...common,
    beta1: z.number().min(0).lt(1).optional(),
    beta2: z.number().min(0).lt(1).optional(),
    epsilon: z.number().positive().optional(),
  }),
]);

const mlpSchema = z.strictObject({
  preset: z.literal("mlp"),
  /** Widths of the hidden layers. */
  hidden: z.array(z.int().min(1).max(8192)).min(1).max(16),
  activation: z.enum(["relu", "gelu", "tanh", "sigmoid", "silu"]).default("relu"),
  dropout: z.number().min(0).lt(1).optional(),
  /** Scale of the initial weights relative to the activation's usual ones. */
  initialScale: z.number().positive().max(10).optional(),
});

const amount = z
  .string()
  .regex(/^[0-9]+(\.[0-9]+)?$/, "write an amount as a quoted decimal number, such as '1.20'");

export const jobFileSchema = z.strictObject({
  name: z.string().min(1).max(64),
  model: mlpSchema,
  optimizer: optimizerSchema,
  batch: z.int().min(1).max(65_536),
  epochs: z.number().positive().max(10_000),
  /** Steps between two checkpoints: what is paid for, and resumed from, piece by piece. */
  checkpointEvery: z.int().min(1),
  seed: z.int().min(0),
  /** A safetensors file with `train.x`, `train.y`, `heldout.x`, `heldout.y`; relative to the job file. */
  data: z.string().min(1),
  limits: z.strictObject({
    /** Most you can lose by this job, fees included. */
    maximum: amount,
    /** Seconds the provider has from agreement to submission. */
    runTime: z.int().min(1).max(2_592_000),
    /** Seconds the market may look for a provider. */
    patience: z.int().min(1).max(2_592_000).default(600),
    /** Least collateral of the provider, and the damage you state you would suffer by a wrong result. */
    minCollateral: amount.optional(),
    statedLoss: amount.optional(),
  }),
  constraints: constraintsSchema.prefault({}),
});
export type JobFile = z.infer<typeof jobFileSchema>;
