/** The network of a preset alone: from rows or tokens to logits, without training. */
import { ProgramBuilder } from "../builder/program.ts";
import type { Program } from "../ir/types.ts";
import { cnnForward, type CnnOptions } from "./cnn.ts";
import { Model, type Tuning } from "./layers.ts";
import { denseStack, type MlpOptions } from "./mlp.ts";
import type { TrainingOptions } from "./training.ts";
import { decoder, type DecoderOptions } from "./transformer.ts";

/** A preset and the options that shape its network. */
export type Network = { readonly lora?: Tuning["lora"] } & (
  | ({ readonly preset: "mlp" } & Omit<MlpOptions, keyof TrainingOptions>)
  | ({ readonly preset: "cnn" } & Omit<CnnOptions, keyof TrainingOptions>)
  | ({ readonly preset: "transformer-lm" } & DecoderOptions)
);

/**
 * A program of one step whose state are the network's parameters, named as those of the preset, and whose output `logits`
 * is the network on the column `x` f32[rows, features], or `tokens` i32[rows, context].
 */
export const inferenceProgram = (network: Network, rows: number): Program => {
  const job = new ProgramBuilder({ steps: 1, interval: 1 });
  const { lora } = network;
  const model = new Model(job, lora === undefined ? {} : { lora });
  if (network.preset === "transformer-lm") {
    const tokens = job.data("tokens", "i32", [rows, network.context]);
    job.output("logits", decoder(model, network)(tokens, false));
  } else if (network.preset === "cnn") {
    const { height, width, channels } = network.image;
    const x = job.data("x", "f32", [rows, height * width * channels]);
    job.output("logits", cnnForward(model, network)(x, false));
  } else {
    const x = job.data("x", "f32", [rows, network.inputs]);
    job.output("logits", denseStack(model, "layer", network)(x, false));
  }
  return job.build();
};
