/** What a command prints: people read lines on stdout as they come, programs pass `--json` and read one object at the end. */
import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import { isAssayError } from "@assay/protocol/errors";

export interface Output {
  readonly json: boolean;
  /** A headline for the next few lines. */
  step(title: string): void;
  line(text?: string): void;
  good(text: string): void;
  bad(text: string): void;
  /** Aligned columns; the first row is the header. */
  table(rows: readonly (readonly string[])[]): void;
  /** What to type next. */
  next(command: string): void;
  /** A line that the next one replaces on a terminal; elsewhere printed once in a while. */
  live(text: string): void;
  /** The command's result: printed only with `--json`. */
  result(value: unknown): void;
}

const LIVE_EVERY_MS = 2_000;

/** Printable width of a string without its colour codes. */
const width = (text: string): number => stripVTControlCharacters(text).length;

/**
 * Names and explanations come from strangers: of what steers a terminal only our own colours (`ESC [ … m`) and line ends
 * get through.
 */
export const printable = (text: string): string =>
  Array.from(text)
    .map((character, at, all) => {
      const code = character.codePointAt(0) ?? 0;
      const control = code < 0x20 || (code >= 0x7f && code < 0xa0);
      if (!control || character === "\n") return character;
      const colour = code === 0x1b && /^\[[0-9;]*m/.test(all.slice(at + 1, at + 12).join(""));
      return colour ? character : "";
    })
    .join("");

export const alignRows = (rows: readonly (readonly string[])[]): string[] => {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, width(cell))));
  return rows.map((row) =>
    row
      .map((cell, at) =>
        at === row.length - 1 ? cell : cell + " ".repeat((widths[at] ?? 0) - width(cell)),
      )
      .join("  ")
      .trimEnd(),
  );
};

export const createOutput = (
  json: boolean,
  stream: NodeJS.WriteStream = process.stdout,
): Output => {
  let live = false;
  let lastLive = 0;
  const write = (raw: string): void => {
    if (json) return;
    const text = printable(raw);
    if (live) stream.write("\r\u001b[2K");
    live = false;
    stream.write(`${text}\n`);
  };
  return {
    json,
    step: (title) => write(`\n${pc.bold(title)}`),
    line: (text = "") => write(text === "" ? "" : `  ${text}`),
    good: (text) => write(`  ${pc.green("✓")} ${text}`),
    bad: (text) => write(`  ${pc.red("✗")} ${text}`),
    table: (rows) => {
      alignRows(rows).forEach((row, at) => write(`  ${at === 0 ? pc.dim(row) : row}`));
    },
    next: (command) => {
      write("");
      write(pc.dim(`  next: ${command}`));
    },
    live: (raw) => {
      if (json) return;
      const text = printable(raw);
      if (stream.isTTY) {
        stream.write(`\r\u001b[2K  ${text}`);
        live = true;
      } else if (Date.now() - lastLive > LIVE_EVERY_MS) {
        lastLive = Date.now();
        stream.write(`  ${text}\n`);
      }
    },
    result: (value) => {
      if (!json) return;
      const text = JSON.stringify(
        value,
        (_key, field: unknown) => (typeof field === "bigint" ? field.toString() : field),
        2,
      );
      stream.write(`${text}\n`);
    },
  };
};

/** Exit codes: 1 something failed, 2 the call was wrong, 3 a check said ✗. */
export const EXIT = { failure: 1, usage: 2, checkFailed: 3 } as const;

/** Prints an error with its code and what to do next; returns the exit code. */
export const printError = (error: unknown, json: boolean): number => {
  const known = isAssayError(error)
    ? { code: error.code, message: error.message, remedy: error.remedy, details: error.details }
    : {
        code: "UNEXPECTED",
        message: error instanceof Error ? error.message : String(error),
        remedy: undefined,
        details: {},
      };
  if (json) {
    const text = JSON.stringify({ error: known }, (_key, field: unknown) =>
      typeof field === "bigint" ? field.toString() : field,
    );
    process.stdout.write(`${text}\n`);
  } else {
    process.stderr.write(`\n${pc.red("✗")} ${known.message} ${pc.dim(`[${known.code}]`)}\n`);
    if (known.remedy !== undefined) process.stderr.write(`  ${pc.bold("next:")} ${known.remedy}\n`);
    if (!isAssayError(error) && error instanceof Error && error.stack !== undefined)
      process.stderr.write(`${pc.dim(error.stack)}\n`);
  }
  return known.code.startsWith("USAGE_") ? EXIT.usage : EXIT.failure;
};
