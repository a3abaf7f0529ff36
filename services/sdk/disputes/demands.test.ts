import assert from "node:assert/strict";
import { test } from "node:test";
import { disputesAbi } from "@assay/protocol/generated/abis";
import {
  createPublicClient,
  custom,
  encodeAbiParameters,
  encodeErrorResult,
  encodeEventTopics,
  numberToHex,
  zeroAddress,
  type Hex,
  type RpcLog,
} from "viem";
import type { AssayContext } from "../context.ts";
import { demandStatusOf } from "./demanding.ts";
import { demandsFromLogs, type DemandRecord } from "./demands.ts";

const JOB = numberToHex(7, { size: 32 });
const ASKER = "0x00000000000000000000000000000000000000A1";

const logAt = (block: number, topics: unknown, data: Hex): RpcLog =>
  ({
    address: zeroAddress,
    blockNumber: numberToHex(block),
    logIndex: "0x0",
    topics,
    data,
  }) as unknown as RpcLog;
const demanded = (block: number, demandId: bigint): RpcLog =>
  logAt(
    block,
    encodeEventTopics({
      abi: disputesAbi,
      eventName: "ChunkDemanded",
      args: { demandId, jobId: JOB, asker: ASKER },
    }),
    encodeAbiParameters(
      [{ type: "uint32" }, { type: "uint32" }, { type: "uint40" }, { type: "uint256" }],
      [1, 2, 1_000, 5n],
    ),
  );
const shown = (block: number, demandId: bigint): RpcLog =>
  logAt(
    block,
    encodeEventTopics({ abi: disputesAbi, eventName: "ChunkShown", args: { demandId } }),
    encodeAbiParameters([{ type: "bytes" }], ["0x0000803f"]),
  );
const closed = (block: number, demandId: bigint): RpcLog =>
  logAt(
    block,
    encodeEventTopics({
      abi: disputesAbi,
      eventName: "DemandClosed",
      args: { demandId, jobId: JOB },
    }),
    "0x",
  );

test("demands are told with their ends, and an end without its demand is left out", () => {
  const records = demandsFromLogs(zeroAddress, [
    demanded(1, 1n),
    demanded(2, 2n),
    shown(3, 2n),
    demanded(4, 3n),
    closed(5, 3n),
    shown(6, 9n),
  ]);
  assert.deepEqual(
    records.map(({ demandId, end, bytes }) => [demandId, end, bytes]),
    [
      [1n, undefined, undefined],
      [2n, "shown", "0x0000803f"],
      [3n, "closed", undefined],
    ],
  );
  const [first] = records;
  assert.deepEqual(first && { ...first, asker: first.asker.toLowerCase() }, {
    disputes: zeroAddress,
    demandId: 1n,
    jobId: JOB,
    asker: ASKER.toLowerCase(),
    tensor: 1,
    chunk: 2,
    until: 1_000,
    fee: 5n,
    asked: { block: 1n, number: 0 },
    end: undefined,
    bytes: undefined,
  });
});

const open = demandsFromLogs(zeroAddress, [demanded(1, 1n)])[0] as DemandRecord;

/** A chain whose contract answers this to `closeDemand`, or with nothing where it takes the call. */
const contextWhere = (revert?: Hex): AssayContext =>
  ({
    publicClient: createPublicClient({
      transport: custom(
        {
          request: () =>
            revert === undefined
              ? Promise.resolve("0x")
              : Promise.reject({ code: 3, message: "execution reverted", data: revert }),
        },
        { retryCount: 0 },
      ),
    }),
  }) as unknown as AssayContext;
const asking = (): never => assert.fail("nothing has to be asked");
const silent = { publicClient: { simulateContract: asking } } as unknown as AssayContext;

test("a demand waits to the last second of its time, and is overdue in the next", async () => {
  const at = (now: number) => demandStatusOf(silent, open, { state: "submitted", now });
  assert.equal(await at(1_000), "waiting");
  assert.equal(await at(1_001), "overdue");
});

test("what a demand's own events say of its end counts, whatever became of the job", async () => {
  for (const state of ["submitted", "slashed", "settled"] as const) {
    const about = { state, now: 2_000 };
    assert.equal(await demandStatusOf(silent, { ...open, end: "shown" }, about), "shown");
    assert.equal(await demandStatusOf(silent, { ...open, end: "closed" }, about), "returned");
  }
});

test("of a job that is over the contract says whether the demand was its end or waits to be closed", async () => {
  const over = { state: "slashed", now: 2_000 } as const;
  const done = encodeErrorResult({ abi: disputesAbi, errorName: "DisputeDone" });
  assert.equal(await demandStatusOf(contextWhere(done), open, over), "slashed");
  assert.equal(await demandStatusOf(contextWhere(), open, over), "returnable");
});
