/**
 * Follows the market's agreements, commitments and submissions. Blocks that may still be undone are read again each time, so a reorganisation only
 * means that something is told once more, or later; whoever hears of a job looks at the chain before doing anything.
 */
import { marketAbi } from "@assay/protocol/generated/abis";
import { explainCall } from "@assay/sdk/chain/write";
import { getAbiItem, type Address, type Hex, type PublicClient } from "viem";

export interface Cursor {
  readonly number: number;
  readonly hash: Hex;
}

export type News =
  | { readonly kind: "agreed"; readonly jobId: Hex }
  /** The provider is done, and shows its result once others have committed too, or auditors had their time. */
  | { readonly kind: "committed"; readonly jobId: Hex }
  /** Last second, Unix, at which it can be challenged. */
  | {
      readonly kind: "submitted";
      readonly jobId: Hex;
      readonly windowEnd: number;
      readonly traceRoot: Hex;
    };

export interface FollowOptions {
  readonly client: PublicClient;
  readonly market: Address;
  /** First block with the market. */
  readonly startBlock: number;
  /** Where a former process stopped. */
  readonly cursor: Cursor | undefined;
  /** Blocks below the head that may be undone. */
  readonly finality: number;
  /** Most blocks in one question; halved while the node finds that too many. */
  readonly rangeBlocks?: number;
  /** Called in the order of the chain; may be told the same twice. */
  readonly onNews: (news: News) => void;
  /** Everything up to here is final and was told. */
  readonly onCursor: (cursor: Cursor) => Promise<void>;
}

const EVENTS = [
  getAbiItem({ abi: marketAbi, name: "Agreed" }),
  getAbiItem({ abi: marketAbi, name: "CommitmentMade" }),
  getAbiItem({ abi: marketAbi, name: "Submitted" }),
];

const RANGE = 5_000;

/** Tells all that is new since the last call. @throws CHAIN_UNREACHABLE and other faults of the node: call again */
export const createFollower = (options: FollowOptions): (() => Promise<void>) => {
  const { client, market, startBlock, finality, onNews, onCursor } = options;
  const most = options.rangeBlocks ?? RANGE;
  let { cursor } = options;
  let size = most;
  /** What was told already of the blocks after the cursor: by block and place in it, with the block's number. */
  const told = new Map<string, number>();

  const hashOf = async (number: number): Promise<Hex | undefined> => {
    try {
      return (await client.getBlock({ blockNumber: BigInt(number) })).hash;
    } catch (error) {
      if (error instanceof Error && error.name === "BlockNotFoundError") return undefined;
      throw error;
    }
  };

  const tell = async (from: number, to: number): Promise<void> => {
    const logs = await client.getLogs({
      address: market,
      events: EVENTS,
      strict: true,
      fromBlock: BigInt(from),
      toBlock: BigInt(to),
    });
    for (const log of logs) {
      const place = `${log.blockHash} ${log.logIndex}`;
      if (told.has(place)) continue;
      told.set(place, Number(log.blockNumber));
      const { jobId } = log.args;
      if (log.eventName === "Agreed") onNews({ kind: "agreed", jobId });
      else if (log.eventName === "CommitmentMade") onNews({ kind: "committed", jobId });
      else {
        const { windowEnd, traceRoot } = log.args.progress;
        onNews({ kind: "submitted", jobId, windowEnd, traceRoot });
      }
    }
  };

  const advance = async (to: number): Promise<void> => {
    const hash = await hashOf(to);
    if (hash === undefined) return;
    cursor = { number: to, hash };
    for (const [place, number] of told) if (number <= to) told.delete(place);
    await onCursor(cursor);
  };

  const round = async (): Promise<void> => {
    const head = Number(await client.getBlockNumber({ cacheTime: 0 }));
    // An undone block that was thought final: everything is told again.
    if (cursor !== undefined && (await hashOf(cursor.number)) !== cursor.hash) cursor = undefined;
    let from = (cursor?.number ?? startBlock - 1) + 1;
    while (from <= head) {
      const to = Math.min(head, from + size - 1);
      try {
        await tell(from, to);
      } catch (error) {
        if (to === from) throw error;
        size = Math.max(1, Math.floor((to - from + 1) / 2));
        continue;
      }
      size = Math.min(most, size * 2);
      from = to + 1;
      const final = Math.min(to, head - finality);
      if (final > (cursor?.number ?? startBlock - 1)) await advance(final);
    }
  };

  return async () => {
    try {
      await round();
    } catch (error) {
      throw explainCall(error);
    }
  };
};
