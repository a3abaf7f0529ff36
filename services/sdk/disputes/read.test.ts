import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createPublicClient,
  custom,
  hexToNumber,
  numberToHex,
  toEventSelector,
  zeroAddress,
  type Hex,
} from "viem";
import { disputesAbi } from "@assay/protocol/generated/abis";
import type { AssayContext } from "../context.ts";
import { findGames } from "./read.ts";

const HEAD = 250_000;
const START = 1_000;
const CAP = 2_000;
const word = (value: number): Hex => numberToHex(value, { size: 32 });
const challenged = disputesAbi.find((item) => item.type === "event" && item.name === "Challenged");

/** A public node that answers for 2,000 blocks at once, with a game of each of these numbers begun in the block of 1,000 times it. */
const contextWith = (games: readonly number[]) => {
  const asked: [from: number, to: number][] = [];
  const answer = (from: number, to: number) => {
    asked.push([from, to]);
    if (to - from + 1 > CAP) return Promise.reject({ code: -32_005, message: "range too large" });
    return Promise.resolve(
      games
        .filter((game) => game * 1_000 >= from && game * 1_000 <= to)
        .map((game) => ({
          blockNumber: numberToHex(game * 1_000),
          topics: [toEventSelector(challenged as never), word(game), word(7), word(0)],
        })),
    );
  };
  const publicClient = createPublicClient({
    transport: custom(
      {
        request: ({
          method,
          params,
        }: {
          method: string;
          params: [{ fromBlock: Hex; toBlock: Hex }];
        }) =>
          method === "eth_blockNumber"
            ? Promise.resolve(numberToHex(HEAD))
            : answer(hexToNumber(params[0].fromBlock), hexToNumber(params[0].toBlock)),
      },
      { retryCount: 0 },
    ),
  });
  const context = {
    publicClient,
    deployment: () => Promise.resolve({ startBlock: START }),
  } as unknown as AssayContext;
  return { context, asked };
};

test("games are found on a node that answers for few blocks at once, from the contracts' first block to the head", async () => {
  const { context, asked } = contextWith([1, 90, 91, 250]);
  const found = await findGames(context, zeroAddress, { jobIds: [word(7)] });
  assert.deepEqual(
    found.map(({ gameId }) => gameId),
    [1n, 90n, 91n, 250n],
  );
  assert.equal(Math.min(...asked.map(([from]) => from)), START);
  assert.equal(Math.max(...asked.map(([, to]) => to)), HEAD);
});

test("no job, no question", async () => {
  const { context, asked } = contextWith([1]);
  assert.deepEqual(await findGames(context, zeroAddress, { jobIds: [] }), []);
  assert.deepEqual(asked, []);
});
