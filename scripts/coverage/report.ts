/** What the counters say: lines and branches by file, and the gaps, each of which a table in a README explains. */
import type { Counter } from "./instrument.ts";

/** How often each counter was hit, by its number. */
export type Hits = ReadonlyMap<number, number>;

export interface FileCoverage {
  readonly file: string;
  /** Lines on which a statement begins. */
  readonly lines: number;
  readonly linesRun: number;
  /** Outcomes of conditions, and clauses of `try`. */
  readonly branches: number;
  readonly branchesRun: number;
}

/** Something that no test reaches. */
export interface Gap {
  readonly file: string;
  readonly line: number;
  /** The condition, or the line's text. */
  readonly text: string;
  readonly never: "true" | "false" | "clause" | "run";
}

/** A row of the table: gaps of one text in one file have one reason. */
export interface Explanation {
  readonly file: string;
  readonly text: string;
  readonly never: string;
  readonly why: string;
}

const byFile = (counters: readonly Counter[]): Map<string, Counter[]> => {
  const files = new Map<string, Counter[]>();
  for (const counter of counters) {
    const list = files.get(counter.file) ?? [];
    list.push(counter);
    files.set(counter.file, list);
  }
  return files;
};

/** Lines with a statement that did not run, of all lines with a statement. */
const linesOf = (counters: readonly Counter[], hits: Hits): Map<number, boolean> => {
  const lines = new Map<number, boolean>();
  for (const { id, line, kind } of counters) {
    if (kind === "statement") lines.set(line, (lines.get(line) ?? true) && hits.has(id));
  }
  return lines;
};

export const coverageOf = (counters: readonly Counter[], hits: Hits): FileCoverage[] =>
  [...byFile(counters)].map(([file, own]) => {
    const lines = [...linesOf(own, hits).values()];
    const branches = own.filter(({ kind }) => kind === "branch");
    return {
      file,
      lines: lines.length,
      linesRun: lines.filter((ran) => ran).length,
      branches: branches.length,
      branchesRun: branches.filter(({ id }) => hits.has(id)).length,
    };
  });

/** Branches not taken, and lines not run on which no such branch is. `sources`: text by file. */
export const gapsOf = (
  counters: readonly Counter[],
  hits: Hits,
  sources: Readonly<Record<string, string>>,
): Gap[] =>
  [...byFile(counters)].flatMap(([file, own]) => {
    const branches = own
      .filter(({ id, kind }) => kind === "branch" && !hits.has(id))
      .map(({ line, text = "", outcome = "clause" }) => ({ file, line, text, never: outcome }));
    const rows = sources[file]?.split("\n") ?? [];
    const lines = [...linesOf(own, hits)]
      .filter(([line, ran]) => !ran && !branches.some((branch) => branch.line === line))
      .map(([line]) => ({ file, line, text: rows[line - 1]?.trim() ?? "", never: "run" as const }));
    return [...branches, ...lines].toSorted((a, b) => a.line - b.line);
  });

/** Rows of the form ``| `file` | `text` | never | why |``. */
const ROW = /^\|\s*`(contracts\/[^`]+\.sol)`\s*\|\s*`([^`]+)`\s*\|\s*(\w+)\s*\|\s*(\S.*?)\s*\|$/gm;

export const readExplanations = (markdown: string): Explanation[] =>
  [...markdown.matchAll(ROW)].map(([, file = "", text = "", never = "", why = ""]) => ({
    file,
    text: text.replaceAll("\\|", "|"),
    never,
    why,
  }));

/** How the reason of a gap begins that random cases close in some runs. */
const BY_CHANCE = "By chance";

const isOf = (gap: Gap, { file, text, never }: Explanation): boolean =>
  gap.file === file && gap.text === text && gap.never === never;

/** Gaps that no row explains, and rows that explain no gap. */
export const compareWithExplanations = (
  gaps: readonly Gap[],
  explanations: readonly Explanation[],
): { readonly unexplained: readonly Gap[]; readonly stale: readonly Explanation[] } => ({
  unexplained: gaps.filter((gap) => !explanations.some((row) => isOf(gap, row))),
  stale: explanations.filter(
    (row) => !row.why.startsWith(BY_CHANCE) && !gaps.some((gap) => isOf(gap, row)),
  ),
});

const share = (part: number, whole: number): string =>
  whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`;

/** The table that is printed, totals last. */
export const formatCoverage = (files: readonly FileCoverage[]): string => {
  const sum = (key: keyof Omit<FileCoverage, "file">) =>
    files.reduce((total, file) => total + file[key], 0);
  const total = {
    file: "all",
    lines: sum("lines"),
    linesRun: sum("linesRun"),
    branches: sum("branches"),
    branchesRun: sum("branchesRun"),
  };
  const width = Math.max(...files.map(({ file }) => file.length));
  return [...files, total]
    .map(({ file, lines, linesRun, branches, branchesRun }) =>
      [
        file.padEnd(width),
        `${linesRun}/${lines} lines`.padStart(16),
        share(linesRun, lines).padStart(8),
        `${branchesRun}/${branches} branches`.padStart(20),
        share(branchesRun, branches).padStart(8),
      ].join(" "),
    )
    .join("\n");
};
