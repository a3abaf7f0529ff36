/** What the routes work with, passed in explicitly. */
import type { Deployment } from "@assay/protocol/wire/api";
import type { Logger } from "@assay/runtime/logger";
import type { BlockStore } from "@assay/storage/blocks";
import type { FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Address } from "viem";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import type { Bus } from "../bus.ts";
import type { ChainReads } from "../chain.ts";
import type { Database } from "../database/open.ts";
import type { BookKeeper } from "../matcher/book/keeper.ts";
import type { TaskQueues } from "../queue/queues.ts";
import type { Sessions } from "./sessions.ts";
import type { Streams } from "./sse.ts";
import type { UploadLimits, Uploads } from "./uploads.ts";

export interface ApiDeps {
  readonly deployment: Deployment;
  readonly database: Database;
  readonly bus: Bus;
  readonly keeper: BookKeeper;
  readonly queues: TaskQueues;
  readonly chain: ChainReads;
  readonly blocks: BlockStore;
  /** Folder of `blocks`, whose disk must not fill up. */
  readonly contentFolder: string;
  readonly uploadLimits: UploadLimits;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Account of this market's matcher; undefined where it runs none. */
  readonly matcher?: Address | undefined;
  /** How far the index is behind the chain, for /ready; undefined where no indexer runs in this process. */
  readonly position: () => { readonly block: number; readonly head: number } | undefined;
  /** Where the API is reached: sign-in messages must be for one of these. */
  readonly origins: () => readonly string[];
  /** Requests a minute that one address may make. */
  readonly rateLimit: number;
}

/** As the routes get it. */
export interface RouteDeps extends ApiDeps {
  readonly sessions: Sessions;
  readonly streams: Streams;
  readonly uploads: Uploads;
}

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  Logger,
  ZodTypeProvider
>;
