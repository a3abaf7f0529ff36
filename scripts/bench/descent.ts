/**
 * Time and memory of answers in a dispute about the demo's MNIST model: from the trace down to one scalar of its longest
 * fold, as a provider that has nothing but checkpoint files, then as one with a warm cache.
 * `--epochs N`: a longer run; `--json`: figures on the last line.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Inputs } from "@assay/engine/backend";
import { elements, terms } from "@assay/engine/ir/shape";
import type { Program } from "@assay/engine/ir/types";
import { mlp } from "@assay/engine/models/mlp";
import { saveCheckpoint } from "@assay/engine/trace/checkpoints";
import { folderCheckpoints } from "@assay/engine/trace/descent/checkpoints";
import { advance, treeLeaves } from "@assay/engine/trace/descent/course";
import { type Descent, openDescent } from "@assay/engine/trace/descent/descent";
import type { Pointing, Position, Section } from "@assay/engine/trace/descent/positions";
import { runJob } from "@assay/engine/trace/run";
import { wasmBackend } from "@assay/engine/wasm/backend";
import { treeDepth } from "@assay/protocol/commitments/tree";
import { readMnist } from "../datasets/mnist.ts";
import { createFigures } from "./figures.ts";
import { MNIST_SETTINGS } from "./mnist-mlp.ts";

const { values } = parseArgs({
  options: {
    epochs: { type: "string", default: String(MNIST_SETTINGS.epochs) },
    json: { type: "boolean", default: false },
  },
});

/** The scalar to go to. */
interface Target {
  readonly section: Section;
  readonly op: number;
  readonly element: number;
  readonly term: number;
}

/** Leaf of the tree of a position that leads to the target. */
function leafOf(position: Extract<Position, { path: unknown }>, target: Target): number {
  const { section, op, element, term } = target;
  switch (position.kind) {
    case "checkpoints":
      return section.list === "step" ? section.interval : 0;
    case "steps":
      return section.list === "step" ? section.step : 0;
    case "ops":
      return op;
    case "chunks":
      return Math.floor(element / 256);
    case "terms":
      return Math.floor(term / 256);
    default:
      throw new RangeError(`no way through ${position.kind}`);
  }
}

/** What a challenger points at that goes for the target. */
function toward(descent: Descent, position: Position, target: Target): Pointing | undefined {
  if (position.kind === "trace")
    return { to: target.section.list === "eval" ? "evaluation" : "prefix" };
  if (position.kind === "chunk") return { to: "element", index: target.element % 256 };
  if (position.kind === "accumulators") return { to: "element", index: target.term % 256 };
  if (position.kind === "scalar") return { to: "read", read: 2 };
  if (!("path" in position)) return undefined;
  const count = treeLeaves(descent.course, position);
  const leaf = leafOf(position, target);
  if (leaf >= count)
    return position.kind === "terms" ? { to: "element", index: target.term % 256 } : { to: "last" };
  const height = Math.max(0, treeDepth(count) - position.path.length - 1);
  return { to: "child", index: Math.floor(leaf / 16 ** height) % 16 };
}

/** Resident set, and the most of it after an answer, in MiB. */
const rss = (): number => process.memoryUsage.rss() / 2 ** 20;
let most = 0;

/** Goes down once; milliseconds of each answer, in order. */
async function walk(descent: Descent, target: Target): Promise<[string, number][]> {
  const times: [string, number][] = [];
  let position: Position = { kind: "trace" };
  for (;;) {
    const begun = performance.now();
    await descent.open(position);
    most = Math.max(most, rss());
    const depth = "path" in position ? ` ${position.path.length}` : "";
    times.push([`${position.kind}${depth}`, performance.now() - begun]);
    const pointing = toward(descent, position, target);
    if (pointing === undefined) return times;
    position = advance(descent.course, position, pointing);
  }
}

/** The last term of the middle element of a list's longest fold. */
function longestFold(program: Program, section: Section): Target {
  const ops = program[section.list];
  const longest = ops.reduce((best, op, i) => (terms(op) > terms(ops[best] ?? op) ? i : best), 0);
  const op = ops[longest];
  if (op === undefined) throw new RangeError("no op");
  const element = Math.floor(elements(op.out.shape) / 2);
  return { section, op: longest, element, term: terms(op) - 1 };
}

const program = mlp({ ...MNIST_SETTINGS, epochs: Number(values.epochs) });
const inputs: Inputs = {
  data: readMnist().map(({ words }) => words),
  parent: [],
  seed: 1n,
};
const folder = await mkdtemp(join(tmpdir(), "assay-bench-"));
const begun = performance.now();
let saving = 0;
const { checkpointRoots, n } = await runJob({
  backend: wasmBackend,
  program,
  inputs,
  onCheckpoint: async ({ step, roots, state }) => {
    const since = performance.now();
    await saveCheckpoint(folder, program, { step, roots, state });
    saving += performance.now() - since;
  },
});
const training = performance.now() - begun - saving;

const { note, finish } = createFigures();

note("training and committing", training, "ms");
note("memory before the first answer", rss(), "MiB");
const checkpoints = folderCheckpoints(folder, program, 0, checkpointRoots);
const descent = openDescent({ program, inputs, checkpoints });
const middle: Section = {
  list: "step",
  interval: Math.ceil(n / 2),
  step: Math.floor(program.interval / 2),
};
for (const [what, section] of [
  ["step", middle],
  ["eval", { list: "eval" }],
] as const) {
  const target = longestFold(program, section);
  for (const state of ["cold", "warm"]) {
    const times = await walk(descent, target);
    if (state === "cold")
      for (const [position, ms] of times) note(`${what}: ${position}`, ms, "ms");
    const total = times.reduce((sum, [, ms]) => sum + ms, 0);
    note(`${what}: ${times.length} answers, ${state}`, total, "ms");
  }
}
note("most memory after an answer", most, "MiB");
await descent.close();
await rm(folder, { recursive: true });
finish();
