import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Job, Submission } from "@assay/protocol/domain/messages";
import type { JobState } from "@assay/protocol/domain/states";
import { AssayError } from "@assay/protocol/errors";
import { createLogger } from "@assay/runtime/logger";
import { zeroAddress, zeroHash } from "viem";
import type { Chain } from "../chain/chain.ts";
import { openNotebook } from "../journal/notebook.ts";
import { driveJob, type DriveParts } from "./drive.ts";
import type { Trained } from "./training.ts";

const DEADLINE = 1_000;
const jobId = `0x${"07".repeat(32)}` as const;
const result: Trained = {
  submission: {
    jobId,
    checkpoint: 2,
    prefixRoot: zeroHash,
    stateRoot: zeroHash,
    modelRoot: zeroHash,
    evalRoot: zeroHash,
  },
  file: new Uint8Array(),
};
const away = (): AssayError =>
  new AssayError("GATEWAY_UNREACHABLE", "nobody answers", { retryable: true });
const crash = (): AssayError => new AssayError("JOB_CRASHED", "a bug", { retryable: true });

/** Drives an agreed job whose chain stands still but for what the agent sends and what a wait does. */
const drive = async (
  t: TestContext,
  parts: Pick<DriveParts, "train" | "upload"> & {
    readonly prefix?: DriveParts["prefix"];
    /** Answers to the first receipts presented. */
    readonly refusals?: readonly AssayError[];
    /** Time on chain after a wait. */
    readonly afterWait?: (waits: readonly number[]) => number;
  },
) => {
  const folder = await mkdtemp(join(tmpdir(), "assay-drive-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const notebook = await openNotebook(join(folder, "journal.jsonl"), {
    chainId: 1,
    market: zeroAddress,
    provider: zeroAddress,
  });
  t.after(() => notebook.close());
  await notebook.note({
    kind: "accepted",
    jobId,
    proposalId: "p",
    request: {} as never,
    acceptance: { expiry: DEADLINE } as never,
    signature: "0x",
  });
  const job = {
    terms: { jobId, steps: 10, startStep: 0, interval: 5, deadline: DEADLINE, paramsVersion: 1 },
    progress: { stoppedAt: 0, windowEnd: 0 },
  } as unknown as Job;
  let state: JobState = "active";
  let now = 500;
  const waits: number[] = [];
  const sent: ["submit" | "present" | "show" | "expire", Submission | undefined][] = [];
  const refusals = [...(parts.refusals ?? [])];
  const send = (kind: (typeof sent)[number][0], next: JobState) => (_: Job, what?: Submission) => {
    sent.push([kind, what]);
    state = next;
    return Promise.resolve(zeroHash);
  };
  const chain = {
    now: () => Promise.resolve(now),
    job: () => Promise.resolve({ state, found: { job, settlement: undefined } }),
    parametersAt: () => Promise.resolve({ receiptGrace: 50 }),
    submit: send("submit", "settled"),
    present: (at: Job, receipt: Submission) => {
      const refusal = refusals.shift();
      return refusal ? Promise.reject(refusal) : send("present", "settled")(at, receipt);
    },
    showReceipt: send("show", "active"),
    expire: send("expire", "expired"),
  } as unknown as Chain;
  const phases: string[] = [];
  await driveJob({
    prefix: () => Promise.resolve(undefined),
    publish: () => Promise.resolve(),
    ...parts,
    jobId,
    notebook,
    chain,
    logger: createLogger({ name: "test", level: "fatal" }),
    pollMs: 1,
    rest: (milliseconds) => {
      waits.push(milliseconds);
      now = parts.afterWait?.(waits) ?? now;
      return Promise.resolve();
    },
    onPhase: (phase) => {
      phases.push(phase);
      // A job given up for good only waits: let its deadline and its grace pass.
      if (phase === "failed") now = DEADLINE + 51;
    },
    onSubmitted: () => undefined,
    release: () => undefined,
    cleanUp: () => Promise.resolve(),
    signal: new AbortController().signal,
  });
  return { waits, sent, phases };
};
const stored = ({ submission }: Trained): Submission => ({ ...submission, modelCid: zeroHash });

test("a gateway that is away does not end a job: the upload alone is repeated, ever more slowly", async (t) => {
  let trainings = 0;
  let uploads = 0;
  const { waits, sent } = await drive(t, {
    train: () => {
      trainings++;
      return Promise.resolve(result);
    },
    upload: (trained) =>
      ++uploads < 10 ? Promise.reject(away()) : Promise.resolve(stored(trained)),
  });
  assert.equal(trainings, 1);
  assert.deepEqual(
    waits,
    [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1000),
  );
  assert.deepEqual(sent, [["submit", stored(result)]]);
});

test("a result whose upload was late is presented in full", async (t) => {
  const { sent } = await drive(t, {
    train: () => Promise.resolve(result),
    upload: (() => {
      let uploads = 0;
      return (trained: Trained) =>
        ++uploads < 3 ? Promise.reject(away()) : Promise.resolve(stored(trained));
    })(),
    prefix: () => Promise.reject(new Error("the whole is there")),
    afterWait: (waits) => (waits.length < 2 ? 500 : DEADLINE + 1),
  });
  assert.deepEqual(sent, [["present", stored(result)]]);
});

test("a receipt that an earlier one was put in front of is shown, then presented again", async (t) => {
  const prefix: Submission = { ...stored(result), checkpoint: 1 };
  const refused = (code: string): AssayError => new AssayError(code, "overtaken");
  const { sent } = await drive(t, {
    train: () => Promise.reject(away()),
    upload: () => Promise.reject(new Error("nothing to upload")),
    prefix: () => Promise.resolve(prefix),
    refusals: [refused("MARKET_DISPUTE_LIVE"), refused("MARKET_WRONG_RECORD")],
    afterWait: () => DEADLINE + 1,
  });
  assert.deepEqual(sent, [
    ["show", prefix],
    ["present", prefix],
  ]);
});

test("failures that may pass are tried again until the deadline, then what there is is presented", async (t) => {
  const prefix: Submission = { ...stored(result), checkpoint: 1 };
  const { waits, sent } = await drive(t, {
    train: () => Promise.reject(away()),
    upload: () => Promise.reject(new Error("nothing to upload")),
    prefix: () => Promise.resolve(prefix),
    afterWait: (all) => (all.length < 20 ? 500 : DEADLINE + 1),
  });
  assert.equal(waits.length, 20);
  assert.deepEqual(sent, [["present", prefix]]);
});

test("a program that crashes its thread is given up after five times from one checkpoint", async (t) => {
  let tries = 0;
  const { sent, phases } = await drive(t, {
    train: (_signal, onKept) => {
      // The third try gets one checkpoint further.
      if (++tries === 3) onKept();
      return Promise.reject(crash());
    },
    upload: () => Promise.reject(new Error("nothing to upload")),
  });
  assert.equal(tries, 2 + 5);
  assert.ok(phases.includes("failed"));
  assert.deepEqual(sent, [["expire", undefined]]);
});

test("a failure that cannot pass is not tried again", async (t) => {
  let tries = 0;
  const { waits } = await drive(t, {
    train: () => {
      tries++;
      return Promise.reject(new AssayError("DATA_ROOT_MISMATCH", "other data"));
    },
    upload: () => Promise.reject(new Error("nothing to upload")),
  });
  assert.equal(tries, 1);
  assert.deepEqual(waits, []);
});
