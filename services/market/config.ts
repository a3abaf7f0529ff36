/** The environment of the market's processes. */
import { readEnvironment } from "@assay/runtime/config";
import { z } from "zod";

const PARTS = ["api", "indexer", "matcher"] as const;

export const environment = z.object({
  ASSAY_MARKET_RPC_URL: z.url().describe("Chain to index and to carry agreements to"),
  ASSAY_MARKET_DEPLOYMENT_FILE: z
    .string()
    .optional()
    .describe(
      "JSON file with the contracts' addresses; default: the known deployment of the chain",
    ),
  ASSAY_MARKET_KEY_FILE: z
    .string()
    .optional()
    .describe("File with the matcher's private key (0x and 64 hex digits); needed by the matcher"),
  ASSAY_MARKET_STATE_DIR: z
    .string()
    .describe("Folder of the embedded database and of the content store"),
  ASSAY_MARKET_DATABASE_URL: z
    .string()
    .optional()
    .describe("PostgreSQL server; default: embedded, in the state folder"),
  ASSAY_MARKET_REDIS_URL: z
    .string()
    .optional()
    .describe("Redis server for the queue; default: the embedded database"),
  ASSAY_MARKET_PARTS: z
    .string()
    .default(PARTS.join(","))
    .transform((text) => text.split(",").map((part) => part.trim()))
    .pipe(z.array(z.enum(PARTS)).min(1))
    .describe("Parts that this process runs: api, indexer, matcher; apart they need PostgreSQL"),
  ASSAY_MARKET_HOST: z.string().default("127.0.0.1").describe("Address to listen on"),
  ASSAY_MARKET_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(8_421)
    .describe("Port to listen on; 0 for any"),
  ASSAY_MARKET_PUBLIC_URL: z
    .url()
    .optional()
    .describe("URL at which agents reach the market, which they sign in for; default: its own"),
  ASSAY_MARKET_ANSWER_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(600)
    .default(10)
    .describe("Seconds that an agent has to answer a proposal before the next is asked"),
  ASSAY_MARKET_POLL_MS: z.coerce
    .number()
    .int()
    .min(50)
    .default(1_000)
    .describe("Milliseconds between two looks at the chain's head"),
  ASSAY_MARKET_FINALITY: z.coerce
    .number()
    .int()
    .min(1)
    .default(64)
    .describe("Blocks below the head that a reorganisation may still replace"),
  ASSAY_MARKET_RATE_LIMIT: z.coerce
    .number()
    .int()
    .min(1)
    .default(6_000)
    .describe("HTTP requests a minute that one address may make"),
  ASSAY_MARKET_UPLOAD_MIB_HOUR: z.coerce
    .number()
    .int()
    .min(1)
    .default(4_096)
    .describe("MiB an hour that one address may store; eight times that with a session"),
  ASSAY_MARKET_DISK_RESERVE_MIB: z.coerce
    .number()
    .int()
    .min(0)
    .default(256)
    .describe("MiB of the disk below which nothing more is stored"),
  ASSAY_MARKET_LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .default("info")
    .describe("How much the market logs"),
});

export type Environment = z.output<typeof environment>;
export type Part = (typeof PARTS)[number];

/** The environment, parsed. @throws CONFIG_INVALID */
export const environmentOf = (
  source: Readonly<Record<string, string | undefined>> = process.env,
): Environment => readEnvironment(environment, source);
