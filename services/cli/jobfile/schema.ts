/** A `job.yaml`: what to train, on what, and what it may cost. `assay init` writes one with comments. */
import { z } from "zod";
import { constraintsSchema } from "@assay/protocol/wire/description";
import { modelSchema, tuningSchema } from "./models.ts";

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

const amount = z
  .string()
  .regex(/^[0-9]+(\.[0-9]+)?$/, "write an amount as a quoted decimal number, such as '1.20'");

const fields = z.strictObject({
  name: z.string().min(1).max(64),
  model: modelSchema,
  tuning: tuningSchema.optional(),
  optimizer: optimizerSchema,
  /** Rows (or runs of tokens) of one step. */
  batch: z.int().min(1).max(65_536),
  /** How long to train: passes over the training data, or steps. */
  epochs: z.number().positive().max(10_000).optional(),
  steps: z.int().min(1).max(100_000_000).optional(),
  /**
   * Held-out rows (or runs of tokens) that evaluation reads at most, at equal distances; all unless said. It computes them
   * together, so this bounds its memory and its price.
   */
  evaluateAtMost: z.int().min(1).optional(),
  /** Steps between two checkpoints: what is paid for, and resumed from, piece by piece. */
  checkpointEvery: z.int().min(1),
  seed: z.int().min(0),
  /**
   * A safetensors file, relative to the job file, with `train.x`, `train.y`, `heldout.x`, `heldout.y`, or with
   * `train.tokens` and `heldout.tokens`.
   */
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
    /**
     * What auditors share who are drawn by chance and find the same result before it is shown; part of the maximum, and back to you
     * where nobody is drawn. The provider then commits first, and is paid in full or not at all.
     */
    audit: amount.optional(),
  }),
  constraints: constraintsSchema.prefault({}),
});

export const jobFileSchema = fields.superRefine(({ epochs, steps }, context) => {
  if ((epochs === undefined) === (steps === undefined))
    context.addIssue({
      code: "custom",
      path: ["epochs"],
      message: "give `epochs` or `steps`, one of them",
    });
});
export type JobFile = z.infer<typeof jobFileSchema>;
