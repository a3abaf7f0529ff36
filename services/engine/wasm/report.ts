/** How a program compiled, in few words, for whoever waits for the job: its memory, and each op that is not at full speed. */
import type { Column } from "../backend.ts";
import { bytesInFiles } from "../columns/column.ts";
import { elements } from "../ir/shape.ts";
import type { OpList, Program } from "../ir/types.ts";
import type { CompileReport, KernelReport } from "./compile.ts";

export interface SpeedReport {
  /** Bytes that the compiled program takes, what it reads of its data included; fixed before the first step. */
  readonly memoryBytes: number;
  /** Bytes of the data set that stay in a file, from which each step reads what it needs; 0 where all is in memory. */
  readonly fileBytes: number;
  /** Share of a step's evaluations that kernels below full speed make. */
  readonly slowShare: number;
  /** Kernels below full speed. */
  readonly slowCount: number;
  /** The first of them, those of the step before others, by share of their list: ops, what keeps them, share. At most {@link MOST_NAMED}. */
  readonly slow: readonly string[];
}

export const MOST_NAMED = 16;
/** Ops of one kernel that are named. */
const MOST_OPS = 4;

const evaluations = (program: Program, list: OpList, ops: readonly number[]): number =>
  ops.reduce((sum, index) => {
    const op = program[list][index];
    if (op === undefined) return sum;
    return sum + elements(op.out.shape) * (op.form === "fold" ? elements(op.reduction) : 1);
  }, 0);

const named = ({ list, ops, notes }: KernelReport, share: number): string => {
  const names = ops.slice(0, MOST_OPS).join(", ") + (ops.length > MOST_OPS ? ", …" : "");
  const why = notes.length > 0 ? notes.join("; ") : "one element at a time";
  return `${list}[${names}]: ${why} (${(100 * share).toPrecision(2)} % of ${list})`;
};

const rank = ({ list }: KernelReport): number => (list === "step" ? 0 : 1);

/** Shortens a compiler's report; `program` is the one it is about, `data` what it reads, all in memory unless told. */
export const speedReport = (
  program: Program,
  report: CompileReport,
  data: readonly Column[] = [],
): SpeedReport => {
  const total = { init: 0, step: 0, eval: 0 };
  for (const { list, ops } of report.kernels) total[list] += evaluations(program, list, ops);
  const shares = report.slow
    .map((kernel) => ({
      kernel,
      share: evaluations(program, kernel.list, kernel.ops) / Math.max(1, total[kernel.list]),
    }))
    .toSorted((a, b) => rank(a.kernel) - rank(b.kernel) || b.share - a.share);
  return {
    memoryBytes: report.peakBytes,
    fileBytes: bytesInFiles(data),
    slowShare: shares.reduce(
      (sum, { kernel, share }) => sum + (kernel.list === "step" ? share : 0),
      0,
    ),
    slowCount: shares.length,
    slow: shares.slice(0, MOST_NAMED).map(({ kernel, share }) => named(kernel, share)),
  };
};
