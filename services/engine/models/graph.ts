/** A model of one's own, as JSON: named nodes from the columns of the data set to a loss and metrics. */
import { z } from "zod";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { Tensor } from "../builder/graph.ts";
import { graphError, materialise } from "../builder/graph.ts";
import { ProgramBuilder } from "../builder/program.ts";
import { shuffledBatch } from "../builder/random.ts";
import { mean } from "../builder/reduce.ts";
import { gather } from "../builder/views.ts";
import type { DType, NamedTensor, Program, Shape } from "../ir/types.ts";
import { GRAPH_OPS, type GraphOp, type Layers } from "./graph-ops.ts";
import { Model } from "./layers.ts";
import { evaluatedRows, train, type TrainingOptions } from "./training.ts";

const MOST_NODES = 1024;
const name = z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, "is not a name");
const operand = z.union([name, z.number()]);

const node = z.looseObject({
  id: name,
  op: z.string(),
  /** What it reads: nodes before it, inputs, numbers. */
  of: z.union([operand, z.array(operand).min(1).max(16)]),
});

/** The JSON form of a model. */
export const graphSchema = z.strictObject({
  /** Columns by the part of their names after `train.` and `heldout.`. */
  inputs: z.array(name).min(1).max(16),
  nodes: z.array(node).min(1).max(MOST_NODES),
  /** The node whose mean over a batch is made small. */
  loss: name,
  /** Nodes that are computed on the held-out rows; the mean of the loss is always one. */
  metrics: z.record(name, name).default({}),
});

export type GraphModel = z.input<typeof graphSchema>;

export interface GraphOptions extends Omit<TrainingOptions, "trainRows" | "heldOutRows"> {
  readonly graph: GraphModel;
  /** Tensors of the data set. */
  readonly columns: readonly NamedTensor[];
}

const REMEDY = "Correct the place named; models/README.md lists the operations and their options.";

/** The error for a mistake at a place of the JSON form (`nodes[3].of[0]`). */
const mistake = (place: string, message: string, cause?: unknown): AssayError =>
  new AssayError("ENGINE_GRAPH_JSON", `${place}: ${message}`, {
    remedy: REMEDY,
    details: { place },
    cause,
  });

const placeOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === "number"
        ? `${text}[${key}]`
        : `${text}${text === "" ? "" : "."}${String(key)}`,
    "",
  ) || "graph";

const parse = <T>(schema: z.ZodType<T>, value: unknown, below: readonly PropertyKey[] = []): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw mistake(
    placeOf([...below, ...(issue?.path ?? [])]),
    issue?.message ?? "is malformed",
    parsed.error,
  );
};

interface Checked {
  readonly id: string;
  readonly place: string;
  readonly op: GraphOp;
  readonly operands: readonly (string | number)[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** The nodes with their operations known, each reading only what stands before it. */
const checkNodes = ({ inputs, nodes }: z.output<typeof graphSchema>): Checked[] => {
  const known = new Set<string>(inputs);
  if (known.size < inputs.length) throw mistake("inputs", "names an input twice");
  return nodes.map(({ id, op: kind, of, ...rest }, k) => {
    const place = `nodes[${k}]`;
    const op = GRAPH_OPS[kind];
    if (op === undefined) throw mistake(`${place}.op`, `there is no operation "${kind}"`);
    const operands = Array.isArray(of) ? of : [of];
    if (operands.length < op.operands[0] || operands.length > op.operands[1])
      throw mistake(
        `${place}.of`,
        `${kind} reads ${op.operands.join(" to ")} values, not ${operands.length}`,
      );
    operands.forEach((from, j) => {
      if (typeof from === "number" || known.has(from)) return;
      const at = Array.isArray(of) ? `${place}.of[${j}]` : `${place}.of`;
      const later = nodes.some((other) => other.id === from);
      throw mistake(
        at,
        later
          ? `"${from}" does not stand before this node: a cycle`
          : `nothing is called "${from}"`,
      );
    });
    if (known.has(id)) throw mistake(`${place}.id`, `"${id}" is taken`);
    known.add(id);
    return { id, place, op, operands, options: parse(op.options, rest, ["nodes", k]) };
  });
};

/** The values of nodes, by name, after those of the inputs. */
const runNodes = (
  nodes: readonly Checked[],
  made: { readonly model: Model; readonly layers: Layers },
  inputs: ReadonlyMap<string, Tensor>,
  training: boolean,
): Map<string, Tensor> => {
  const values = new Map(inputs);
  for (const { id, place, op, operands, options: given } of nodes) {
    const read = operands.map((from) =>
      typeof from === "number" ? from : (values.get(from) as Tensor),
    );
    try {
      values.set(id, op.make({ ...made, id, training }, read, given));
    } catch (cause) {
      if (!isAssayError(cause, "ENGINE_GRAPH")) throw cause;
      throw mistake(place, cause.message, cause);
    }
  }
  return values;
};

/**
 * Program of a graph: a step takes `batch` rows of the epoch's permutation of every input. Throws ENGINE_GRAPH_JSON with the
 * place for what is not a graph, reads what it should not, or has shapes that do not go together.
 */
export const graphModel = (options: GraphOptions): Program => {
  const graph = parse(graphSchema, options.graph);
  const nodes = checkNodes(graph);
  const job = new ProgramBuilder({ steps: options.steps ?? 1, interval: options.interval });
  const model = new Model(job, options.tuning);
  const columnOf = (part: "train" | "heldout", input: string): Tensor => {
    const full = `${part}.${input}`;
    const found = options.columns.find((column) => column.name === full);
    if (found === undefined || found.shape.length === 0)
      throw mistake(`inputs[${graph.inputs.indexOf(input)}]`, `the data set has no rows "${full}"`);
    return job.data(full, found.dtype, found.shape);
  };
  const rowsOf = (inputs: ReadonlyMap<string, Tensor>): number => {
    const counts = new Set([...inputs.values()].map((x) => x.shape[0] ?? 0));
    if (counts.size > 1) throw mistake("inputs", `have ${[...counts].join(" and ")} rows`);
    return [...counts][0] ?? 0;
  };
  const [trained, heldOut] = (["train", "heldout"] as const).map(
    (part) => new Map(graph.inputs.map((input) => [input, columnOf(part, input)])),
  ) as [Map<string, Tensor>, Map<string, Tensor>];
  const layers: Layers = new Map();
  const run = (inputs: ReadonlyMap<string, Tensor>, training: boolean): Map<string, Tensor> =>
    runNodes(nodes, { model, layers }, inputs, training);
  const valueOf = (values: ReadonlyMap<string, Tensor>, id: string, place: string): Tensor => {
    const value = values.get(id);
    if (value === undefined) throw mistake(place, `nothing is called "${id}"`);
    return value;
  };
  const lossOf = (values: ReadonlyMap<string, Tensor>): Tensor<"f32"> => {
    const loss = valueOf(values, graph.loss, "loss");
    if (loss.dtype !== "f32") throw mistake("loss", "is not of real numbers");
    return loss as Tensor<"f32">;
  };

  rowsOf(heldOut);
  const rows = shuffledBatch(rowsOf(trained), options.batch);
  const batch = new Map([...trained].map(([input, x]) => [input, materialise(gather(x, rows))]));
  const steps = options.steps;
  if (steps === undefined) throw graphError("give steps");
  try {
    train(model, lossOf(run(batch, true)), options.optimizer, steps);
  } catch (cause) {
    if (!isAssayError(cause, "ENGINE_GRAPH")) throw cause;
    throw mistake("loss", cause.message, cause);
  }
  const seen = new Map(
    [...heldOut].map(([input, x]) => [input, evaluatedRows(x, options.evaluateAtMost)]),
  );
  const measured = run(seen, false);
  job.output("loss", mean(lossOf(measured)));
  for (const [metric, id] of Object.entries(graph.metrics))
    if (metric !== "loss") job.output(metric, valueOf(measured, id, `metrics.${metric}`));
  return job.build();
};

/** A node with what it reads, and the shapes of its operands (none for a number). */
export interface NetworkNode {
  readonly id: string;
  readonly kind: string;
  readonly place: string;
  readonly operands: readonly (string | number)[];
  readonly shapes: readonly Shape[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** The part of a graph that one of its nodes depends on, without training. */
export interface GraphNetwork {
  /** Shapes begin with the rows. */
  readonly inputs: readonly NamedTensor[];
  readonly nodes: readonly NetworkNode[];
  readonly output: { readonly id: string; readonly dtype: DType; readonly shape: Shape };
  /** One step whose state are the parameters and whose output `logits` is the node. */
  readonly program: Program;
}

/** The node that the loss compares with the truth, where the loss is a node that does so. */
const predicted = (graph: z.output<typeof graphSchema>): string | undefined => {
  const loss = graph.nodes.find(({ id }) => id === graph.loss);
  const compares = loss?.op === "crossEntropy" || loss?.op === "squaredError";
  const first = compares && Array.isArray(loss.of) ? loss.of[0] : undefined;
  return typeof first === "string" ? first : undefined;
};

/**
 * The network from the columns' rows to a node: `output`, or what the loss compares with the truth. Throws ENGINE_GRAPH_JSON as
 * {@link graphModel} does, with the place `output` where no such node is known.
 */
export const graphNetwork = (
  options: Pick<GraphOptions, "graph" | "columns" | "tuning"> & {
    readonly output?: string | undefined;
  },
  rows: number,
): GraphNetwork => {
  const graph = parse(graphSchema, options.graph);
  const all = checkNodes(graph);
  const output = options.output ?? predicted(graph);
  if (output === undefined) throw mistake("output", "the loss does not say which node it judges");
  if (!all.some(({ id }) => id === output))
    throw mistake("output", `no node is called "${output}"`);
  const needed = new Set<string | number>([output]);
  for (const { id, operands } of all.toReversed())
    if (needed.has(id)) for (const from of operands) needed.add(from);
  const nodes = all.filter(({ id }) => needed.has(id));
  const { lora } = options.tuning ?? {};
  const job = new ProgramBuilder({ steps: 1, interval: 1 });
  const model = new Model(job, lora === undefined ? {} : { lora });
  const inputs = graph.inputs
    .filter((input) => needed.has(input))
    .map((input): NamedTensor => {
      const found = options.columns.find((column) => column.name === `train.${input}`);
      if (found === undefined)
        throw mistake(
          `inputs[${graph.inputs.indexOf(input)}]`,
          `the data set has no rows "train.${input}"`,
        );
      return { name: input, dtype: found.dtype, shape: [rows, ...found.shape.slice(1)] };
    });
  const columns = new Map(
    inputs.map((x): [string, Tensor] => [x.name, job.data(x.name, x.dtype, x.shape)]),
  );
  const values = runNodes(nodes, { model, layers: new Map() }, columns, false);
  const result = values.get(output) as Tensor;
  job.output("logits", result);
  const kinds = new Map(graph.nodes.map(({ id, op }) => [id, op]));
  return {
    inputs,
    nodes: nodes.map(({ id, place, operands, options: given }) => ({
      id,
      kind: kinds.get(id) ?? "",
      place,
      operands,
      shapes: operands.map((from) =>
        typeof from === "number" ? [] : (values.get(from)?.shape ?? []),
      ),
      options: given,
    })),
    output: { id: output, dtype: result.dtype, shape: result.shape },
    program: job.build(),
  };
};
