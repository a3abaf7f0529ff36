import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createPublicClient, custom, hexToNumber, http, type Hex, type RpcLog } from "viem";
import { logsBackwards } from "./logs.ts";

const ADDRESS = `0x${"11".repeat(20)}` as const;

/** A node with one event in each of `blocks`, that refuses more than `cap` blocks at once with `refusal`. */
const nodeWith = (
  blocks: readonly number[],
  cap: number,
  refusal: object = { code: -32_005, message: "query exceeds max block range" },
) => {
  const asked: number[] = [];
  const client = createPublicClient({
    transport: custom(
      {
        request: ({ params }: { params: [{ fromBlock: Hex; toBlock: Hex }] }) => {
          const [from, to] = [hexToNumber(params[0].fromBlock), hexToNumber(params[0].toBlock)];
          asked.push(to - from + 1);
          if (to - from + 1 > cap) return Promise.reject(refusal);
          const found = blocks.filter((block) => block >= from && block <= to);
          return Promise.resolve(
            found.map((block) => ({ blockNumber: `0x${block.toString(16)}`, topics: [] })),
          );
        },
      },
      { retryCount: 0 },
    ),
  });
  return { client, asked };
};

const blocksOf = (logs: readonly RpcLog[]): number[] =>
  logs.map(({ blockNumber }) => hexToNumber(blockNumber!));
const never = () => false;

describe("logsBackwards", () => {
  test("default: all events of the range, oldest first, in few questions", async () => {
    const blocks = [7, 8, 500_000, 999_999];
    const { client, asked } = nodeWith(blocks, Infinity);
    const query = { address: ADDRESS, topics: [], from: 7, to: 1_000_000 };
    assert.deepEqual(blocksOf(await logsBackwards(client, query, never)), blocks);
    assert.ok(asked.length <= 8, String(asked));
  });

  test("behavior: no block is left out or read twice, whatever the node's limit", async () => {
    for (const cap of [1, 2, 3, 100, 999, 9_999, 10_000]) {
      const blocks = Array.from({ length: 40 }, (_, place) => 3 + place * 31);
      const { client } = nodeWith(blocks, cap);
      const query = { address: ADDRESS, topics: [], from: 3, to: 1_300 };
      assert.deepEqual(blocksOf(await logsBackwards(client, query, never)), blocks, `cap ${cap}`);
    }
  });

  test("behavior: a limit is learnt once, not run into again and again", async () => {
    const { client, asked } = nodeWith([], 1_000);
    const query = { address: ADDRESS, topics: [], from: 0, to: 99_999 };
    await logsBackwards(client, query, never);
    const refused = asked.filter((blocks) => blocks > 1_000);
    assert.ok(refused.length <= 4, String(asked));
  });

  test("behavior: what happened lately is found without reading the whole chain", async () => {
    const { client, asked } = nodeWith([999_000, 999_500], 1_000);
    const query = { address: ADDRESS, topics: [], from: 0, to: 1_000_000 };
    const isFirst = ({ blockNumber }: RpcLog) =>
      blockNumber !== null && BigInt(blockNumber) === 999_000n;
    assert.deepEqual(blocksOf(await logsBackwards(client, query, isFirst)), [999_000, 999_500]);
    assert.ok(asked.length < 10, String(asked));
  });

  test("behavior: a node that refuses even one block is not asked for ever", async () => {
    const { client, asked } = nodeWith([], 0);
    const query = { address: ADDRESS, topics: [], from: 0, to: 1_000_000 };
    await assert.rejects(logsBackwards(client, query, never), /max block range/);
    assert.ok(asked.length < 20, String(asked));
  });

  test("behavior: a node that is not there is not asked for fewer blocks", async () => {
    let asked = 0;
    const client = createPublicClient({
      transport: http("http://127.0.0.1:9", {
        retryCount: 0,
        onFetchRequest: () => {
          asked++;
        },
      }),
    });
    const query = { address: ADDRESS, topics: [], from: 0, to: 1_000_000 };
    await assert.rejects(logsBackwards(client, query, never), { name: "HttpRequestError" });
    assert.equal(asked, 1);
  });
});
