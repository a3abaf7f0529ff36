import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { TensorProof } from "@assay/protocol/domain/disputes";
import type { Progress } from "@assay/protocol/domain/messages";
import { createLogger } from "@assay/runtime/logger";
import type { StandingSubmission } from "@assay/sdk/actions/job-from-chain";
import type { Demand } from "@assay/sdk/disputes/demands";
import { numberToHex, zeroAddress, zeroHash, type Hex } from "viem";
import { createDemandAnswers } from "./demands.ts";
import type { RunPool, Submitted } from "./pool.ts";
import type { Witness } from "./witness.ts";

const root = (value: number): Hex => numberToHex(value, { size: 32 });
/** What it says does not matter here. */
const PROOF = { rootProof: [], stateProof: [], chunkProof: [] } as unknown as TensorProof;

const receiptOf = (checkpoint: number, block: bigint, number: number): StandingSubmission => ({
  progress: { checkpoint, stateRoot: root(checkpoint) } as Progress,
  prefixRoot: root(100 + checkpoint),
  since: { block, number },
});
/** The job's first receipt, and a later one that took its place in block 20. */
const job = { submissions: [receiptOf(3, 10n, 4), receiptOf(5, 20n, 2)] };

const demandAt = (demandId: bigint, block: bigint, number: number): Demand => ({
  disputes: zeroAddress,
  demandId,
  jobId: zeroHash,
  asker: zeroAddress,
  tensor: 1,
  chunk: Number(demandId),
  until: 1_000,
  fee: 1n,
  asked: { block, number },
});

const answersOf = (signal: AbortSignal) => {
  const asked: [checkpoints: number, prefixRoot: Hex, chunk: number][] = [];
  const sent: string[] = [];
  const pool: RunPool = {
    ask: (of: Submitted, _deadline, question) =>
      question({
        modelChunk: (_tensor: number, chunk: number) => {
          asked.push([of.checkpoints, of.prefixRoot, chunk]);
          return Promise.resolve(PROOF);
        },
      } as unknown as Witness),
    closeIdle: () => undefined,
    close: () => Promise.resolve(),
  };
  const answers = createDemandAnswers({
    pool,
    send: (key) => {
      sent.push(key);
      return Promise.resolve(1n);
    },
    logger: createLogger({ name: "test", level: "silent" }),
    onFailure: (error) => assert.fail(String(error)),
    signal,
  });
  return { answers, asked, sent };
};

test("a demand about a receipt is answered from that receipt, also after a later one has replaced it", async (t) => {
  const { answers, asked, sent } = answersOf(t.signal);
  const demands = [demandAt(1n, 12n, 0), demandAt(2n, 20n, 1), demandAt(3n, 20n, 3)];
  answers.answer(demands, job, 900);
  while (sent.length < 3) await sleep(5);
  assert.deepEqual(asked, [
    [3, root(103), 1],
    // In the block of the later receipt, and before it.
    [3, root(103), 2],
    [5, root(105), 3],
  ]);
});

test("a demand that is over, or is older than every submission known here, is left alone", async (t) => {
  const { answers, asked, sent } = answersOf(t.signal);
  answers.answer([demandAt(1n, 12n, 0)], job, 1_001);
  answers.answer([demandAt(2n, 10n, 3)], job, 900);
  answers.answer([demandAt(3n, 12n, 0)], job, 1_000);
  while (sent.length < 1) await sleep(5);
  assert.deepEqual(
    asked.map(([, , chunk]) => chunk),
    [3],
  );
});
