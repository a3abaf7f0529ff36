/** Structured logs: one JSON line an event, on standard output unless told otherwise. */
import { pino, type DestinationStream, type Logger } from "pino";

export type { Logger } from "pino";

export interface LoggerOptions {
  /** Which process or part speaks. */
  readonly name: string;
  readonly level?: "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";
  readonly destination?: DestinationStream;
}

/** A pino logger that prints bigints as decimal strings and never prints keys. */
export const createLogger = ({ name, level = "info", destination }: LoggerOptions): Logger => {
  const options = {
    name,
    level,
    base: { name },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) =>
        Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, printable(value)])),
    },
    redact: [
      "privateKey",
      "*.privateKey",
      "authorization",
      "*.authorization",
      "*.headers.authorization",
    ],
  };
  return pino(options, destination ?? standardOutput());
};

/**
 * Standard output through Node's own stream: a reader that is slow does not stop the process, and neither does one that has gone, as
 * they do with pino's own writer.
 */
const standardOutput = (): DestinationStream => {
  if (!process.stdout.listeners("error").includes(onOutputError))
    process.stdout.on("error", onOutputError);
  return { write: (line) => process.stdout.write(line) };
};

const onOutputError = (error: NodeJS.ErrnoException): void => {
  if (error.code !== "EPIPE") throw error;
};

const printable = (value: unknown): unknown => {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(printable);
  if (
    value !== null &&
    typeof value === "object" &&
    Object.getPrototypeOf(value) === Object.prototype
  )
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, printable(field)]));
  return value;
};
