/** The environment of the watcher. */
import { z } from "zod";
import { LANES, MOST_THREADS } from "@assay/engine/wasm/settings";
import { readEnvironment } from "@assay/runtime/config";

const decimal = z.string().regex(/^(0|[1-9][0-9]*)(\.[0-9]+)?$/, "not a decimal number");

export const environment = z.object({
  ASSAY_WATCHER_KEY_FILE: z
    .string()
    .describe("File with the private key that challenges (0x and 64 hex digits)"),
  ASSAY_WATCHER_RPC_URL: z.url().describe("Chain to watch"),
  ASSAY_WATCHER_API_URL: z
    .url()
    .optional()
    .describe("Market to ask for contracts that this version does not know, and for content"),
  ASSAY_WATCHER_CONTENT: z
    .string()
    .optional()
    .describe(
      "Content gateway (URL) or folder to fetch programs and data from; default: the market's",
    ),
  ASSAY_WATCHER_STATE_DIR: z
    .string()
    .describe("Folder for journal, runs and fetched content; one watcher a folder"),
  ASSAY_WATCHER_FRACTION: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("Share of all jobs to run again; which ones nobody can foresee"),
  ASSAY_WATCHER_MAX_UNITS: z.coerce
    .bigint()
    .min(1n)
    .optional()
    .describe("Leave jobs of more work units to others; default: no limit"),
  ASSAY_WATCHER_ONLY: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}(,0x[0-9a-fA-F]{40})*$/)
    .optional()
    .describe("Watch only jobs of these requesters or providers (addresses, commas between)"),
  ASSAY_WATCHER_AUDITOR: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .optional()
    .describe("Stake to audit for, of which the key is an operator; default: the key's own"),
  ASSAY_WATCHER_START: z
    .enum(["agreed", "submitted"])
    .default("submitted")
    .describe(
      "Run a job once it is agreed, to be ready early, or only once something is submitted",
    ),
  ASSAY_WATCHER_CAPACITY: z.coerce
    .number()
    .int()
    .min(1)
    .max(1024)
    .default(1)
    .describe("Jobs to run at a time; games are played beside"),
  ASSAY_WATCHER_THREADS: z
    .union([z.literal("auto"), z.coerce.number().int().min(1).max(MOST_THREADS)])
    .default("auto")
    .describe(
      "Threads of one run. `auto` leaves a core to the machine's owner and shares the others among the runs of " +
        "ASSAY_WATCHER_CAPACITY, at most 4 each, as a provider does: a window may be short for a job that several threads ran",
    ),
  ASSAY_WATCHER_LANES: z
    .enum(LANES)
    .default("narrow")
    .describe(
      "`wide`: 256-bit lanes, nearly twice as fast on processors with AVX2, the same bits. Not the default, as V8 calls the " +
        "flag behind it experimental, and a wrong bit would cost a bond",
    ),
  ASSAY_WATCHER_MAX_BOND: decimal
    .optional()
    .describe("Most tokens to risk in one game; default: what the contract asks"),
  ASSAY_WATCHER_MEMORY_MIB: z.coerce
    .number()
    .int()
    .min(64)
    .optional()
    .describe(
      "Most memory of one run, its data included where that fits; default: half of the machine's, divided by capacity",
    ),
  ASSAY_WATCHER_MAX_DATA_MIB: z.coerce
    .number()
    .int()
    .min(1)
    .default(4096)
    .describe(
      "Largest data set to fetch; what does not fit into memory takes so much disk beside the cache, once a job",
    ),
  ASSAY_WATCHER_CHECKPOINT_MIB: z.coerce
    .number()
    .int()
    .min(1)
    .default(2048)
    .describe("Disk for the checkpoints of one run; older ones are thinned out above it"),
  ASSAY_WATCHER_CACHE_MIB: z.coerce
    .number()
    .int()
    .min(1)
    .default(16_384)
    .describe("Disk for fetched programs and data sets; the oldest go above it"),
  ASSAY_WATCHER_FINALITY: z.coerce
    .number()
    .int()
    .min(0)
    .default(64)
    .describe("Blocks below the head that may still be undone"),
  ASSAY_WATCHER_POLL_MS: z.coerce
    .number()
    .int()
    .min(50)
    .max(60_000)
    .default(1_000)
    .describe("Milliseconds between two looks at the chain"),
  ASSAY_WATCHER_LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .default("info")
    .describe("How much the watcher logs"),
});

export type Environment = z.output<typeof environment>;

/** The environment, parsed. @throws CONFIG_INVALID */
export const environmentOf = (
  source: Readonly<Record<string, string | undefined>> = process.env,
): Environment => readEnvironment(environment, source);
