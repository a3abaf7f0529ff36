/** What `assay run` was allowed to do, so that it and `assay jobs watch` carry a job on within the same cap, and no further. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Hex } from "viem";
import { z } from "zod";
import { bytes32, uint128 } from "@assay/protocol/wire/scalars";

const runSchema = z.strictObject({
  /** Requests of this run, oldest first: each goes on where the job of the one before ended. */
  requests: z.array(bytes32).min(1),
  /** Most that all of its jobs may cost together, token base units. */
  maxSpend: uint128,
  /** Seconds that the market may look for a provider. */
  patience: z.int(),
  /** The requester wants no more of it. */
  stopped: z.boolean(),
});
export type Run = z.output<typeof runSchema>;

const folderOf = (home: string): string => join(home, "runs");

const fileOf = (home: string, first: Hex): string => join(folderOf(home), `${first}.json`);

export const saveRun = (home: string, run: Run): void => {
  const [first] = run.requests;
  if (first === undefined) return;
  mkdirSync(folderOf(home), { recursive: true, mode: 0o700 });
  const file = fileOf(home, first);
  // Whole or not at all: two commands may watch one run.
  const part = `${file}.${process.pid}.part`;
  writeFileSync(
    part,
    `${JSON.stringify({ ...run, maxSpend: run.maxSpend.toString() }, null, 2)}\n`,
  );
  renameSync(part, file);
};

const read = (file: string): Run | undefined => {
  const parsed = runSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  return parsed.success ? parsed.data : undefined;
};

/** The run that a request belongs to, if this home started it. */
export const findRun = (home: string, request: Hex): Run | undefined => {
  if (existsSync(fileOf(home, request))) return read(fileOf(home, request));
  if (!existsSync(folderOf(home))) return undefined;
  return readdirSync(folderOf(home))
    .filter((name) => name.endsWith(".json"))
    .map((name) => read(join(folderOf(home), name)))
    .find((run) => run?.requests.includes(request));
};
