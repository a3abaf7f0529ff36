/** Events since a deployment, asked for in spans that every node takes. */
import type { Filter, JsonRpcProvider, Log } from "ethers";

/** Blocks in one question for events; nodes refuse wider ones. */
const SPAN = 2_000;

/** In the order of the chain, from block `from` to the latest. */
export const logsSince = async (
  rpc: JsonRpcProvider,
  from: number,
  filter: Pick<Filter, "address" | "topics">,
): Promise<Log[]> => {
  const logs: Log[] = [];
  const latest = await rpc.getBlockNumber();
  for (let start = from; start <= latest; start += SPAN) {
    const toBlock = Math.min(start + SPAN - 1, latest);
    logs.push(...(await rpc.getLogs({ ...filter, fromBlock: start, toBlock })));
  }
  return logs;
};
