/** Follows the chain: reads logs range by range, notices reorganisations, and never leaves a half-taken range behind. */
import type { Logger } from "@assay/runtime/logger";
import { retry } from "@assay/runtime/retry";
import { setTimeout as sleep } from "node:timers/promises";
import type { Hex, Log, PublicClient } from "viem";
import { eventDecoder, type Contracts, type Decoder } from "./decode.ts";
import type { ChainEvent } from "./fold.ts";
import type { IndexStore, KnownBlock, Range, TransactionRow } from "./store.ts";

export interface IndexerOptions {
  readonly client: PublicClient;
  readonly contracts: Contracts;
  /** First block with any of the contracts. */
  readonly startBlock: number;
  readonly store: IndexStore;
  readonly logger: Logger;
  /** Blocks below the head that may be reorganised away. */
  readonly finality: number;
  /** Most blocks in one `eth_getLogs`; halved while the node finds that too many, doubled after each success. */
  readonly rangeBlocks?: number;
  /** Milliseconds between two looks at the head. */
  readonly pollInterval: number;
}

export interface Indexer {
  /** Takes in all that is new and returns the last block taken in. */
  catchUp(): Promise<number>;
  /** Last block taken in and the head seen last. */
  position(): { readonly block: number; readonly head: number };
  /** Resolves once block `number` is taken in. */
  reached(number: number): Promise<void>;
  close(): Promise<void>;
}

/** Thrown where the chain changed between two answers: the round is begun anew. */
class ChainMoved extends Error {}

/** Who an event is about, apart from its job. */
const accountOf = (args: Record<string, unknown>): string | null => {
  const account = args["provider"] ?? args["account"] ?? args["requester"];
  return typeof account === "string" ? account : null;
};

const jobOf = (args: Record<string, unknown>): string | null => {
  const jobId = args["jobId"];
  return typeof jobId === "string" ? jobId : null;
};

export const startIndexer = (options: IndexerOptions): Indexer => {
  const { store, logger, pollInterval, startBlock } = options;
  const read = rangeReader(options);
  const stopping = new AbortController();
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  let block = -1;
  let head = -1;
  const most = options.rangeBlocks ?? 2_000;
  let size = most;

  const settle = (): void => {
    for (const [number, wait] of waiting)
      if (number <= block) {
        waiting.delete(number);
        wait.resolve();
      }
  };

  /** The highest kept block that the chain still has. Below all kept ones: begin anew. */
  const commonBlock = async (): Promise<number> => {
    for (const known of await store.recentBlocks()) {
      const now = await read.block(known.number);
      if (now?.hash === known.hash) return known.number;
    }
    return -1;
  };

  const round = async (): Promise<number> => {
    head = await read.head();
    let cursor = await store.cursor();
    if (cursor !== undefined) {
      const now = await read.block(cursor.number);
      if (now?.hash !== cursor.hash) {
        const back = await commonBlock();
        logger.warn({ from: cursor.number, to: back }, "the chain was reorganised");
        await store.rollback(back);
        cursor = await store.cursor();
      }
    }
    block = cursor?.number ?? startBlock - 1;
    while (block < head && !stopping.signal.aborted) {
      const to = Math.min(head, block + size);
      let range: Range;
      try {
        range = await read.range(block + 1, to, head, cursor);
      } catch (error) {
        if (error instanceof ChainMoved || to === block + 1) throw error;
        size = Math.max(1, Math.floor((to - block) / 2));
        logger.debug({ size, err: error }, "smaller ranges");
        continue;
      }
      // Any fault of the node halves the range, not only one that is too long.
      size = Math.min(most, size * 2);
      await store.append(range);
      cursor = range.to;
      block = to;
      if (range.events.length > 0)
        logger.debug({ to, events: range.events.length }, "events taken in");
      settle();
    }
    settle();
    return block;
  };

  let running: Promise<number> = Promise.resolve(block);
  const catchUp = (): Promise<number> => {
    running = running.catch(() => block).then(round);
    return running;
  };

  const follow = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      try {
        await catchUp();
        failures = 0;
      } catch (error) {
        if (stopping.signal.aborted) break;
        failures++;
        const level = error instanceof ChainMoved ? "debug" : "warn";
        logger[level]({ err: error, failures }, "the indexer tries again");
      }
      const pause = Math.min(30_000, pollInterval * 2 ** Math.min(failures, 6));
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const following = follow();

  return {
    catchUp,
    position: () => ({ block, head }),
    reached(number) {
      if (number <= block) return Promise.resolve();
      const wait = waiting.get(number) ?? Promise.withResolvers<void>();
      waiting.set(number, wait);
      return wait.promise;
    },
    async close() {
      stopping.abort();
      await following;
    },
  };
};

interface RangeReader {
  head(): Promise<number>;
  block(number: number): Promise<KnownBlock | undefined>;
  range(
    from: number,
    to: number,
    head: number,
    before: { readonly number: number; readonly hash: string } | undefined,
  ): Promise<Range>;
}

const rangeReader = ({ client, contracts, finality }: IndexerOptions): RangeReader => {
  const decode = eventDecoder(contracts);
  const address = Object.values(contracts);

  const header = async (number: number): Promise<(KnownBlock & { parent: string }) | undefined> => {
    try {
      const { hash, parentHash, timestamp } = await client.getBlock({
        blockNumber: BigInt(number),
      });
      return { number, hash, parent: parentHash, timestamp: Number(timestamp) };
    } catch (error) {
      if (error instanceof Error && error.name === "BlockNotFoundError") return undefined;
      throw error;
    }
  };

  const mustHave = async (number: number) => {
    const found = await header(number);
    if (found === undefined) throw new ChainMoved(`block ${number} is gone`);
    return found;
  };

  const receipt = async (hash: Hex): Promise<TransactionRow> => {
    const { gasUsed, from, blockNumber } = await retry(
      () => client.getTransactionReceipt({ hash }),
      { attempts: 3 },
    );
    return { hash, block: Number(blockNumber), gas_used: Number(gasUsed), sender: from };
  };

  return {
    head: async () => Number(await client.getBlockNumber({ cacheTime: 0 })),
    block: header,
    async range(from, to, head, before) {
      const logs = await client.getLogs({
        address,
        fromBlock: BigInt(from),
        toBlock: BigInt(to),
      });
      // Recent blocks are read one by one, so that logs and hashes are of one chain for certain.
      const firstRecent = Math.max(from, head - finality, 0);
      const numbers = Array.from(
        { length: Math.max(1, to - firstRecent + 1) },
        (_, place) => to - place,
      ).reverse();
      const recent = await Promise.all(numbers.map(mustHave));
      let previous = firstRecent <= from ? before : undefined;
      for (const one of recent) {
        if (previous && previous.number === one.number - 1 && previous.hash !== one.parent)
          throw new ChainMoved(`block ${one.number} has another parent`);
        previous = one;
      }
      const byNumber = new Map(recent.map((one) => [one.number, one]));
      for (const log of logs) {
        const known = byNumber.get(Number(log.blockNumber));
        if (known && known.hash !== log.blockHash)
          throw new ChainMoved(`block ${known.number} changed`);
      }
      const older = [...new Set(logs.map((log) => Number(log.blockNumber)))].filter(
        (number) => !byNumber.has(number),
      );
      for (const one of await Promise.all(older.map(mustHave))) byNumber.set(one.number, one);
      const hashes = [...new Set(logs.map((log) => log.transactionHash))];
      const last = recent.at(-1);
      if (last === undefined) throw new ChainMoved("no block");
      return {
        to: last,
        recent: recent.map(({ number, hash, timestamp }) => ({ number, hash, timestamp })),
        events: logs.flatMap((log) => eventOf(decode, log, byNumber)),
        transactions: await Promise.all(hashes.map(receipt)),
      };
    },
  };
};

const eventOf = (
  decode: Decoder,
  log: Log<bigint, number, false>,
  blocks: Map<number, KnownBlock>,
): ChainEvent[] => {
  const decoded = decode(log);
  if (decoded === undefined) return [];
  const block = Number(log.blockNumber);
  return [
    {
      ...decoded,
      block,
      logIndex: log.logIndex,
      transaction: log.transactionHash,
      timestamp: blocks.get(block)?.timestamp ?? 0,
      jobId: jobOf(decoded.args),
      account: accountOf(decoded.args),
    },
  ];
};
