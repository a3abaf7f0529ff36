import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "@assay/runtime/logger";
import { createPublicClient, custom, hexToNumber, keccak256, numberToHex, type Hex } from "viem";
import { addressOf } from "../testing/markets.ts";
import { startIndexer } from "./follow.ts";
import type { IndexStore, KnownBlock } from "./store.ts";

test("regression: ranges that one fault of the node made smaller grow again", async () => {
  const HEAD = 30;
  const hashOf = (number: number): Hex => keccak256(numberToHex(number + 1));
  const ranges: string[] = [];
  const answer = ({ method, params }: { method: string; params?: unknown }): unknown => {
    const [first] = (params ?? []) as [unknown];
    if (method === "eth_blockNumber") return numberToHex(HEAD);
    if (method === "eth_getBlockByNumber") {
      const number = hexToNumber(first as Hex);
      return {
        number: numberToHex(number),
        hash: hashOf(number),
        parentHash: hashOf(number - 1),
        timestamp: numberToHex(number),
        transactions: [],
      };
    }
    assert.equal(method, "eth_getLogs");
    const { fromBlock, toBlock } = first as { fromBlock: Hex; toBlock: Hex };
    ranges.push(`${hexToNumber(fromBlock)}-${hexToNumber(toBlock)}`);
    if (ranges.length === 1) throw new Error("bad gateway");
    return [];
  };
  let last: KnownBlock | undefined;
  const store: IndexStore = {
    cursor: () => Promise.resolve(last),
    recentBlocks: () => Promise.resolve([]),
    append: ({ to }) => {
      last = to;
      return Promise.resolve();
    },
    rollback: () => Promise.reject(new Error("nothing was reorganised")),
  };
  const indexer = startIndexer({
    client: createPublicClient({
      transport: custom({ request: (ask) => Promise.resolve(ask).then(answer) }, { retryCount: 0 }),
    }),
    contracts: {
      market: addressOf(1),
      staking: addressOf(2),
      reputation: addressOf(3),
      provenance: addressOf(4),
    },
    startBlock: 0,
    store,
    logger: createLogger({ name: "test", level: "silent" }),
    finality: 4,
    rangeBlocks: 8,
    pollInterval: 60_000,
  });
  await indexer.reached(HEAD);
  await indexer.close();
  assert.deepEqual(ranges, ["0-7", "0-3", "4-11", "12-19", "20-27", "28-30"]);
});
