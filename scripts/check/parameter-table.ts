import { existsSync } from "node:fs";
import { join } from "node:path";

import { lineAt, readText } from "./files.ts";
import type { Finding, Rule } from "./rule.ts";

const PAGE = "contracts/README.md";
const FILE = "deploy/parameters/public.json";

/** `| `name` | default | minimum | maximum | …`, numbers with commas between thousands. */
const ROW = /^\| `(\w+)`\s*\|\s*([\d,]+)\s*\|\s*([\d,]+)\s*\|\s*([\d,]+)\s*\|/gm;

type Numbers = Readonly<Record<string, number | string>>;

const judge = (root: string): Finding[] => {
  const text = readText(root, PAGE);
  const { first, min, max } = JSON.parse(readText(root, FILE)) as Record<
    "first" | "min" | "max",
    Numbers
  >;
  const rows = new Map(
    [...text.matchAll(ROW)].map((match) => {
      const numbers = match.slice(2).map((number) => number.replaceAll(",", ""));
      return [match[1] ?? "", { numbers: numbers.join(", "), line: lineAt(text, match.index) }];
    }),
  );
  const wrong = Object.keys(first).flatMap((name): Finding[] => {
    const wanted = [first, min, max].map((numbers) => String(numbers[name])).join(", ");
    const row = rows.get(name);
    if (row === undefined) return [{ file: PAGE, message: `does not list the parameter ${name}` }];
    if (row.numbers === wanted) return [];
    const message = `${name} is ${row.numbers} here and ${wanted} in ${FILE}`;
    return [{ file: PAGE, line: row.line, message }];
  });
  const strangers = [...rows]
    .filter(([name]) => !(name in first))
    .map(([name, { line }]) => ({ file: PAGE, line, message: `${name} is no parameter` }));
  return [...wrong, ...strangers];
};

export const parameterTable: Rule = {
  name: "parameter-table",
  remedy: `make the table of parameters in ${PAGE} that of ${FILE}`,
  find: async (root) => (existsSync(join(root, FILE)) ? judge(root) : []),
};
