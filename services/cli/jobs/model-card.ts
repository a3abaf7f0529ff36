/** The model card beside a model file: what it is, what it was made from, what it scored, how to check all that. */
import { elements } from "@assay/engine/ir/shape";
import type { NamedTensor } from "@assay/engine/ir/types";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";

interface Described {
  readonly tensors: readonly NamedTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ModelCardParts {
  readonly modelRoot: string;
  /** Parameters of the model, and what its file says of itself. */
  readonly model: Described;
  /** What the data set's file says of itself; undefined where it could not be read. */
  readonly data: Described | undefined;
  /** Of the job file, where there is one. */
  readonly preset?: string | undefined;
  /** The job as the chain has it; undefined for a card that is written without a chain. */
  readonly chain: ChainJob | undefined;
}

const MOST_TENSORS = 40;

/** Names and words that others chose, as one cell of a table. */
const cell = (text: string): string =>
  text
    .replaceAll(/\s+/g, " ")
    .slice(0, 200)
    .replaceAll(/[\\`*_|<>[\]]/g, (character) => `\\${character}`);

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

const typeText = ({ dtype, shape }: NamedTensor): string => `${dtype} [${shape.join(", ")}]`;

const fromChain = ({ job, settlement }: ChainJob): string[][] => {
  const { terms, progress } = job;
  const steps = Math.min(terms.startStep + progress.checkpoint * terms.interval, terms.steps);
  return [
    ["job", terms.jobId],
    ["program", terms.programRoot],
    ["data set", terms.dataRoot],
    ["parent", /^0x0*$/.test(terms.parentRoot) ? "none, trained from scratch" : terms.parentRoot],
    ["seed", String(terms.seed)],
    ["steps", `${steps} of ${terms.steps}`],
    [
      "numerics",
      `version ${terms.numerics}: IEEE-754 binary32 in a fixed order, the same bits on every machine`,
    ],
    ["provider", terms.provider],
    ["assurance", settlement?.assurance ?? "not settled yet"],
    ["trace", progress.traceRoot],
    ["evaluation", progress.evalRoot],
  ];
};

const fromFile = ({ metadata }: Described): string[][] =>
  (
    [
      ["program", "programRoot"],
      ["data set", "dataRoot"],
      ["seed", "seed"],
      ["steps", "step"],
      ["numerics", "numerics"],
    ] as const
  ).map(([name, key]) => [name, cell(metadata[key] ?? "not said")]);

const METRIC = "eval.";

/** Markdown. The same parts always give the same text. */
export const modelCard = ({ modelRoot, model, data, preset, chain }: ModelCardParts): string => {
  const { tensors, metadata } = model;
  const count = tensors.reduce((sum, { shape }) => sum + elements(shape), 0);
  const metrics = Object.entries(metadata)
    .filter(([key]) => key.startsWith(METRIC))
    .map(([key, value]) => [cell(key.slice(METRIC.length)), cell(value)]);
  const shown = tensors.slice(0, MOST_TENSORS).map((t) => [cell(t.name), typeText(t)]);
  const made = chain === undefined ? fromFile(model) : fromChain(chain);
  return `# Model ${modelRoot}

${chain === undefined ? "Trained on the Assay market." : `Trained by job ${chain.job.terms.jobId} on the Assay market.`}${preset === undefined ? "" : ` Preset: ${cell(preset)}.`} ${count.toLocaleString("en")} parameters in ${tensors.length} tensors.

## Where it comes from

${table(["", ""], made)}

## Data

${
  data === undefined
    ? "The data set could not be read when this was written; its root is above."
    : `Licence: ${cell(data.metadata["licence"] ?? "not said")}. Source: ${cell(data.metadata["source"] ?? "not said")}. This is what the file says of itself.

${table(
  ["column", "type"],
  data.tensors.map((t) => [cell(t.name), typeText(t)]),
)}`
}

## Evaluation

${
  metrics.length === 0
    ? "None: a checkpoint on the way."
    : `On held-out data, by the ops that the program root commits to; the provider answers for the evaluation's root with its stake.

${table(["metric", "value"], metrics)}`
}

## Parameters

${table(["tensor", "type"], shown)}
${tensors.length > shown.length ? `\nAnd ${tensors.length - shown.length} more.\n` : ""}
## Check it

\`assay verify model.safetensors\` reads the chain; with \`--rerun\` it runs the whole job again and compares trace, model and evaluation.
`;
};
