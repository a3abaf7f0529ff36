import { type Command, Option } from "commander";
import { createReadStream, writeFileSync } from "node:fs";
import { tensorListRoot } from "@assay/engine/data/dataset";
import { readLayout } from "@assay/engine/data/stream";
import { nodeHasher } from "@assay/engine/trace/hasher";
import type { GlobalOptions } from "../home/session.ts";
import { readModel, scanData } from "../jobfile/prepare.ts";
import { onnxOf } from "../jobfile/program.ts";
import { readJobFile } from "../jobfile/read.ts";
import { modelCard } from "../jobs/model-card.ts";
import { formatCount } from "../terminal/format.ts";
import { createOutput } from "../terminal/output.ts";

interface ExportFlags extends GlobalOptions {
  readonly job: string;
  readonly out?: string;
  readonly output?: string;
}

export const registerExport = (program: Command): void => {
  program
    .command("export <model>")
    .description(
      "a model file as ONNX with a model card, for other programs; needs the job file it was trained from",
    )
    .requiredOption("--job <file>", "the job file")
    .option("--out <file>", "default: the model's name with another ending")
    .option("--output <node>", "of a model of one's own; default: what its loss compares")
    .addOption(new Option("--format <name>", "what to write").choices(["onnx"]).default("onnx"))
    .addHelpText(
      "after",
      "\nA model.safetensors loads in PyTorch, numpy and Hugging Face as it is.\n\nExample:\n  assay export model/model.safetensors --job job.yaml",
    )
    .action(async (model: string, _options: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ExportFlags>();
      const output = createOutput(flags.json ?? false);
      const { job, dataFile } = readJobFile(flags.job);
      const { preset } = job.model;
      const data = await scanData(dataFile);
      const tensors = readModel(model);
      const bytes = onnxOf(job, data, tensors, flags.output);
      const out = flags.out ?? `${model.replace(/\.safetensors$/, "")}.onnx`;
      writeFileSync(out, bytes);
      output.step("ONNX");
      output.good(`${out}: ${formatCount(bytes.length)}B, the network of ${preset}`);
      const { metadata } = await readLayout(createReadStream(model));
      const card = `${out}.md`;
      const modelRoot = tensorListRoot(nodeHasher, tensors);
      const parts = { modelRoot, model: { tensors, metadata }, data, preset, chain: undefined };
      writeFileSync(card, modelCard(parts));
      output.good(`${card}: what it was made from and what it scored`);
      output.result({ file: out, card, preset });
    });
};
