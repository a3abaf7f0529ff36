/** The environment of the provider's agent. */
import { z } from "zod";
import { LANES, MOST_THREADS } from "@assay/engine/wasm/settings";
import { readEnvironment } from "@assay/runtime/config";

const decimal = z.string().regex(/^(0|[1-9][0-9]*)(\.[0-9]+)?$/, "not a decimal number");

export const environment = z.object({
  ASSAY_PROVIDER_KEY_FILE: z
    .string()
    .describe("File with the private key that signs and submits (0x and 64 hex digits)"),
  ASSAY_PROVIDER_ADDRESS: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .optional()
    .describe("Staker this key works for as an operator; default: the key's own address"),
  ASSAY_PROVIDER_RPC_URL: z.url().describe("Chain to work on"),
  ASSAY_PROVIDER_API_URL: z.url().describe("Market that proposes jobs"),
  ASSAY_PROVIDER_GATEWAY_URL: z
    .url()
    .optional()
    .describe("Content gateway to fetch from and upload to; default: the market's"),
  ASSAY_PROVIDER_STATE_DIR: z
    .string()
    .describe("Folder for journal, checkpoints, cached content and status; one agent a folder"),
  ASSAY_PROVIDER_PRICE: z
    .union([z.literal("auto"), decimal])
    .default("auto")
    .describe("Tokens asked per giga-unit (10^9 work units), or `auto` to follow the market"),
  ASSAY_PROVIDER_PRICE_FLOOR: decimal
    .default("0.001")
    .describe("Least tokens per giga-unit that `auto` may ask"),
  ASSAY_PROVIDER_CAPACITY: z.coerce
    .number()
    .int()
    .min(1)
    .max(1024)
    .default(1)
    .describe("Jobs to run at a time"),
  ASSAY_PROVIDER_NAME: z.string().max(64).optional().describe("Name shown in the market"),
  ASSAY_PROVIDER_REGION: z
    .string()
    .min(2)
    .max(32)
    .default("unknown")
    .describe("Where this machine is: a country code or a cloud region"),
  ASSAY_PROVIDER_JURISDICTION: z
    .string()
    .min(2)
    .max(32)
    .optional()
    .describe("Whose law applies to this machine"),
  ASSAY_PROVIDER_CARBON: z.coerce
    .number()
    .min(0)
    .max(5000)
    .optional()
    .describe("Grams of CO2 per kWh of this machine's electricity"),
  ASSAY_PROVIDER_HARDWARE: z
    .enum(["cpu", "gpu"])
    .default("cpu")
    .describe("What runs the jobs; `gpu` is refused until the GPU back end exists"),
  ASSAY_PROVIDER_DUTY_CYCLE: z.coerce
    .number()
    .min(0.01)
    .max(1)
    .default(1)
    .describe("Share of the time a job may compute, on all its threads; the rest it rests"),
  ASSAY_PROVIDER_THREADS: z
    .union([z.literal("auto"), z.coerce.number().int().min(1).max(MOST_THREADS)])
    .default("auto")
    .describe(
      "Threads of one job. `auto` leaves a core to the machine's owner and shares the others among the jobs of " +
        "ASSAY_PROVIDER_CAPACITY, at most 4 each: small jobs hardly gain from more. Where money comes from many jobs at a time, " +
        "more places with 1 thread each do more work than few with many",
    ),
  ASSAY_PROVIDER_LANES: z
    .enum(LANES)
    .default("narrow")
    .describe(
      "`wide`: 256-bit lanes, nearly twice as fast on processors with AVX2, the same bits. Not the default, as V8 calls the " +
        "flag behind it experimental, and a wrong bit would cost collateral",
    ),
  ASSAY_PROVIDER_MEMORY_MIB: z.coerce
    .number()
    .int()
    .min(64)
    .optional()
    .describe(
      "Most memory of one job, its data included where that fits; default: half of the machine's, divided by capacity",
    ),
  ASSAY_PROVIDER_MAX_DATA_MIB: z.coerce
    .number()
    .int()
    .min(1)
    .default(4096)
    .describe(
      "Largest data set to fetch; what does not fit into memory takes so much disk beside the cache, once a job",
    ),
  ASSAY_PROVIDER_CHECKPOINT_MIB: z.coerce
    .number()
    .int()
    .min(1)
    .default(2048)
    .describe("Disk for the checkpoints of one job; older ones are thinned out above it"),
  ASSAY_PROVIDER_CACHE_MIB: z.coerce
    .number()
    .int()
    .min(1)
    .default(16_384)
    .describe("Disk for fetched programs, data sets and models; the oldest go above it"),
  ASSAY_PROVIDER_MAX_COLLATERAL: decimal
    .optional()
    .describe("Most tokens of stake to lock for one job; default: all that is available"),
  ASSAY_PROVIDER_MAX_STATED_LOSS: decimal
    .default("0")
    .describe("Largest stated loss of a requester, in tokens, to answer for"),
  ASSAY_PROVIDER_MAX_BOND: decimal
    .optional()
    .describe(
      "Most tokens to bring for the bond of one game against a replica that differs, 0 for none; default: what the contract asks",
    ),
  ASSAY_PROVIDER_RECEIPT_SECONDS: z.coerce
    .number()
    .min(0)
    .max(3_600)
    .default(10)
    .describe("Least seconds between two receipts of a job; each publishes the whole state"),
  ASSAY_PROVIDER_POLL_MS: z.coerce
    .number()
    .int()
    .min(50)
    .max(60_000)
    .default(1_000)
    .describe("Milliseconds between two looks at the chain"),
  ASSAY_PROVIDER_LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .default("info")
    .describe("How much the agent logs"),
});

export type Environment = z.output<typeof environment>;

/** The environment, parsed. @throws CONFIG_INVALID */
export const environmentOf = (
  source: Readonly<Record<string, string | undefined>> = process.env,
): Environment => readEnvironment(environment, source);
