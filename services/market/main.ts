/** Runs the market from its environment; prints one line `{"url": …}` when it serves. */
import { knownDeployment } from "@assay/protocol/domain/deployments";
import { AssayError } from "@assay/protocol/errors";
import { deploymentSchema, type Deployment } from "@assay/protocol/wire/api";
import { accountFrom } from "@assay/runtime/key-file";
import { createLogger } from "@assay/runtime/logger";
import { closeOnSignals, createShutdown } from "@assay/runtime/shutdown";
import { readFile } from "node:fs/promises";
import { createPublicClient, http } from "viem";
import { environmentOf } from "./config.ts";
import { createMarket } from "./market.ts";

const readDeployment = async (path: string | undefined, rpcUrl: string): Promise<Deployment> => {
  if (path !== undefined) return deploymentSchema.parse(JSON.parse(await readFile(path, "utf8")));
  return knownDeployment(await createPublicClient({ transport: http(rpcUrl) }).getChainId());
};

try {
  const settings = environmentOf();
  const logger = createLogger({ name: "market", level: settings.ASSAY_MARKET_LOG_LEVEL });
  const shutdown = createShutdown({ logger, patience: 30_000 });
  closeOnSignals(shutdown);
  const rpcUrl = settings.ASSAY_MARKET_RPC_URL;
  const market = await createMarket({
    rpcUrl,
    deployment: await readDeployment(settings.ASSAY_MARKET_DEPLOYMENT_FILE, rpcUrl),
    databaseUrl: settings.ASSAY_MARKET_DATABASE_URL,
    redisUrl: settings.ASSAY_MARKET_REDIS_URL,
    stateDir: settings.ASSAY_MARKET_STATE_DIR,
    account:
      settings.ASSAY_MARKET_KEY_FILE === undefined
        ? undefined
        : await accountFrom(settings.ASSAY_MARKET_KEY_FILE, "ASSAY_MARKET_KEY_FILE"),
    host: settings.ASSAY_MARKET_HOST,
    port: settings.ASSAY_MARKET_PORT,
    publicUrl: settings.ASSAY_MARKET_PUBLIC_URL,
    logger,
    parts: settings.ASSAY_MARKET_PARTS,
    answerTime: settings.ASSAY_MARKET_ANSWER_SECONDS,
    pollInterval: settings.ASSAY_MARKET_POLL_MS,
    finality: settings.ASSAY_MARKET_FINALITY,
    rateLimit: settings.ASSAY_MARKET_RATE_LIMIT,
    uploadLimits: {
      bytesPerHour: settings.ASSAY_MARKET_UPLOAD_MIB_HOUR * 2 ** 20,
      diskReserve: settings.ASSAY_MARKET_DISK_RESERVE_MIB * 2 ** 20,
    },
  });
  shutdown.add("market", () => market.close());
  process.stdout.write(`${JSON.stringify({ url: market.url })}\n`);
} catch (error) {
  if (!(error instanceof AssayError)) throw error;
  process.stderr.write(
    `${error.code}: ${error.message}${error.remedy ? `\n→ ${error.remedy}` : ""}\n`,
  );
  process.exitCode = 1;
}
