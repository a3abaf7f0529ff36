/** Reads events from nodes that answer for a limited number of blocks at once. */
import {
  BaseError,
  HttpRequestError,
  numberToHex,
  type Address,
  type Hex,
  type LogTopic,
  type PublicClient,
  type RpcLog,
} from "viem";

/** Blocks asked for first: most public nodes answer for so many. Doubled while they do. */
const FIRST_RANGE = 10_000;
/** Blocks of one question to a node that never refuses. */
const LARGEST_RANGE = 10_000_000;

export interface LogQuery {
  readonly address: Address;
  readonly topics: LogTopic[];
  /** First and last block, both included. */
  readonly from: number;
  readonly to: number;
}

/** Whether fewer blocks may be answered. A node that is not there, or is asked too often, refuses one block as well as many. */
const mayBeTooMany = (error: unknown): boolean => {
  if (!(error instanceof BaseError)) return false;
  const http = error.walk((one) => one instanceof HttpRequestError);
  if (!(http instanceof HttpRequestError)) return true;
  return http.status !== undefined && http.status !== 429;
};

/**
 * Events in the order of the chain, read from the last block backwards until one for which `isFirst` holds: what happened lately
 * is found with few questions. The range is halved when the node refuses it, down to single blocks.
 */
export const logsBackwards = async (
  client: PublicClient,
  { address, topics, from, to }: LogQuery,
  isFirst: (log: RpcLog) => boolean,
): Promise<RpcLog[]> => {
  const parts: (readonly RpcLog[])[] = [];
  let most = LARGEST_RANGE;
  let size = FIRST_RANGE;
  for (let last = to; last >= from;) {
    const first = Math.max(from, last - size + 1);
    let logs: readonly RpcLog[];
    try {
      logs = await ask(client, { address, topics, from: first, to: last });
    } catch (error) {
      if (first === last || !mayBeTooMany(error)) throw error;
      size = Math.ceil((last - first) / 2);
      most = size;
      continue;
    }
    parts.unshift(logs);
    if (logs.some(isFirst)) break;
    last = first - 1;
    size = Math.min(most, size * 2);
  }
  return parts.flat();
};

const ask = (
  client: PublicClient,
  { address, topics, from, to }: LogQuery,
): Promise<readonly RpcLog[]> => {
  const toHex = (block: number): Hex => numberToHex(block);
  return client.request({
    method: "eth_getLogs",
    params: [{ address, topics, fromBlock: toHex(from), toBlock: toHex(to) }],
  });
};
