/** Puts the market together: one process with everything, or any part of it. */
import { AssayError } from "@assay/protocol/errors";
import type { Deployment } from "@assay/protocol/wire/api";
import type { Logger } from "@assay/runtime/logger";
import { createShutdown } from "@assay/runtime/shutdown";
import { fileSystemBlocks } from "@assay/storage/file-system";
import { join } from "node:path";
import { Registry, collectDefaultMetrics } from "prom-client";
import { createPublicClient, http, type LocalAccount, type PublicClient } from "viem";
import { buildApi } from "./api/app.ts";
import { signInOrigins } from "./api/sessions.ts";
import type { UploadLimits } from "./api/uploads.ts";
import { openBus } from "./bus.ts";
import { chainReads } from "./chain.ts";
import type { Part } from "./config.ts";
import { openDatabase } from "./database/open.ts";
import { startIndexer, type Indexer } from "./indexer/follow.ts";
import { reputationScale } from "./indexer/standing.ts";
import { indexStore } from "./indexer/store.ts";
import { keepBook } from "./matcher/book/keeper.ts";
import { startMatcher } from "./matcher/matcher.ts";
import { marketMetrics } from "./metrics.ts";
import { openQueues } from "./queue/queues.ts";

export interface MarketOptions {
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  /** PostgreSQL; absent: embedded. */
  readonly databaseUrl?: string | undefined;
  /** Redis; absent: the queue is in the embedded database. */
  readonly redisUrl?: string | undefined;
  /** Folder of the embedded database and of the content store. */
  readonly stateDir: string;
  /** The matcher's account; needed where the matcher runs. */
  readonly account?: LocalAccount | undefined;
  readonly host?: string;
  /** 0, the default: any free port. */
  readonly port?: number;
  /** URL at which agents reach the API; default: where it listens. Sign-in messages must name it. */
  readonly publicUrl?: string | undefined;
  readonly logger: Logger;
  readonly parts?: readonly Part[];
  /** Seconds that an agent has to answer. */
  readonly answerTime?: number;
  /** Milliseconds for which requests, and accepted pairs, are gathered. */
  readonly window?: number;
  /** Milliseconds between two looks at the chain. */
  readonly pollInterval?: number;
  readonly finality?: number;
  /** Requests a minute of one address. */
  readonly rateLimit?: number;
  readonly uploadLimits?: UploadLimits;
  /** Keeps apart markets that share one Redis. */
  readonly queuePrefix?: string;
}

export interface Market {
  /** Base URL of the interface; empty where the API does not run here. */
  readonly url: string;
  /** The indexer, where it runs here. */
  readonly indexer: Indexer | undefined;
  close(): Promise<void>;
}

const UPLOAD_LIMITS: UploadLimits = { bytesPerHour: 4 * 2 ** 30, diskReserve: 256 * 2 ** 20 };

/** Starts the market's parts. Throws `DATABASE_UNREACHABLE`, `MARKET_KEY_MISSING`, `CHAIN_MISMATCH`, … */
export const createMarket = async (options: MarketOptions): Promise<Market> => {
  const { deployment, logger, parts = ["api", "indexer", "matcher"] } = options;
  const shutdown = createShutdown({ logger });
  try {
    return await assemble(options, parts, shutdown, deployment);
  } catch (error) {
    await shutdown.close("a part did not start").catch(() => undefined);
    throw error;
  }
};

const connect = async (rpcUrl: string, deployment: Deployment): Promise<PublicClient> => {
  const client = createPublicClient({
    transport: http(rpcUrl, { batch: { batchSize: 64 }, retryCount: 3 }),
    cacheTime: 0,
  });
  const chainId = await client.getChainId().catch((cause: unknown) => {
    throw new AssayError("CHAIN_UNREACHABLE", `The chain at ${rpcUrl} does not answer.`, {
      remedy: "Check the RPC URL and that the node runs.",
      retryable: true,
      cause,
    });
  });
  if (chainId !== deployment.chainId)
    throw new AssayError(
      "CHAIN_MISMATCH",
      `${rpcUrl} is chain ${chainId}, the deployment is on ${deployment.chainId}.`,
      { remedy: "Give the RPC URL of the deployment's chain." },
    );
  return client;
};

const assemble = async (
  options: MarketOptions,
  parts: readonly Part[],
  shutdown: ReturnType<typeof createShutdown>,
  deployment: Deployment,
): Promise<Market> => {
  const { logger, stateDir } = options;
  const client = await connect(options.rpcUrl, deployment);
  const database = await openDatabase({
    url: options.databaseUrl,
    folder: join(stateDir, "database"),
    logger,
  });
  shutdown.add("database", () => database.close());
  const { sql } = database;
  const bus = await openBus(sql, database.notifications, logger);
  shutdown.add("bus", () => bus.close());
  const queues = await openQueues({
    redisUrl: options.redisUrl,
    embedded: database.embedded,
    logger,
    ...(options.queuePrefix === undefined ? {} : { prefix: options.queuePrefix }),
  });
  shutdown.add("queues", () => queues.close());
  const chain = chainReads(client, deployment);
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });

  let indexer: Indexer | undefined;
  if (parts.includes("indexer")) {
    const { market, staking, reputation, provenance } = deployment.contracts;
    const finality = options.finality ?? 64;
    const started = startIndexer({
      client,
      contracts: { market, staking, reputation, provenance },
      startBlock: deployment.startBlock,
      store: indexStore({
        sql,
        identity: { chainId: deployment.chainId, market },
        scale: reputationScale(deployment.token.decimals),
        finality,
      }),
      logger: logger.child({ part: "indexer" }),
      finality,
      pollInterval: options.pollInterval ?? 250,
    });
    shutdown.add("indexer", () => started.close());
    indexer = started;
  }

  const keeper = await keepBook({ sql, bus, logger });
  shutdown.add("book", () => keeper.close());
  marketMetrics(metrics, { book: keeper.book, queues, indexer });

  if (parts.includes("matcher")) {
    const { account } = options;
    if (account === undefined)
      throw new AssayError(
        "MARKET_KEY_MISSING",
        "The matcher has no key to send agreements with.",
        {
          remedy: "Set ASSAY_MARKET_KEY_FILE, or leave the matcher out of ASSAY_MARKET_PARTS.",
        },
      );
    const matcher = await startMatcher({
      sql,
      bus,
      queues,
      keeper,
      chain,
      client,
      deployment,
      account,
      logger: logger.child({ part: "matcher" }),
      answerTime: options.answerTime ?? 10,
      window: options.window ?? 20,
    });
    shutdown.add("matcher", () => matcher.close());
  }

  let url = "";
  if (parts.includes("api")) {
    const contentFolder = join(stateDir, "content");
    const app = await buildApi({
      deployment,
      database,
      bus,
      keeper,
      queues,
      chain,
      blocks: await fileSystemBlocks(contentFolder),
      contentFolder,
      uploadLimits: options.uploadLimits ?? UPLOAD_LIMITS,
      logger: logger.child({ part: "api" }),
      metrics,
      matcher: options.account?.address,
      rateLimit: options.rateLimit ?? 6_000,
      position: () => indexer?.position(),
      origins: () => (url === "" ? [] : signInOrigins(url, options.publicUrl)),
    });
    shutdown.add("api", () => app.close());
    url = await app.listen({ host: options.host ?? "127.0.0.1", port: options.port ?? 0 });
    logger.info({ url }, "the market listens");
  }
  return { url, indexer, close: () => shutdown.close() };
};
