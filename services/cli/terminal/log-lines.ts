/** Log events as lines for people: `12:03:04 accepted  job 0x12ab34…  step 40`. */
import pc from "picocolors";
import { formatAmount, shortHex, type Token } from "./format.ts";

const HIDDEN = new Set(["level", "time", "name", "msg", "err"]);

/** Fields in token base units. */
const AMOUNTS = new Set(["paid"]);

const shown = (value: unknown): string =>
  typeof value === "string"
    ? value.startsWith("0x")
      ? shortHex(value)
      : value
    : JSON.stringify(value);

/** One line of JSON from the logger as a line to read; anything else stays as it is. */
export const readableLog = (line: string, token: Token): string => {
  let event: Record<string, unknown>;
  try {
    event = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line.trimEnd();
  }
  const { level, time, msg, err } = event;
  const fields = Object.entries(event)
    .filter(([key]) => !HIDDEN.has(key))
    .map(
      ([key, value]) =>
        `${key} ${AMOUNTS.has(key) ? formatAmount(BigInt(String(value)), token) : shown(value)}`,
    );
  const cause = (err as { message?: string } | undefined)?.message;
  const text = [
    typeof msg === "string" ? msg : "",
    ...fields,
    ...(cause === undefined ? [] : [cause.split("\n")[0] ?? ""]),
  ].join("  ");
  const clock = pc.dim(new Date(String(time)).toTimeString().slice(0, 8));
  if (level === "error" || level === "fatal") return `${clock} ${pc.red(text)}`;
  return `${clock} ${level === "warn" ? pc.yellow(text) : text}`;
};
