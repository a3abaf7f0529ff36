/**
 * Brings jobs to their end whose providers do not: presents the latest receipt, settles after the window, expires what came to
 * nothing. Anyone may make these calls; the market does so that nobody's money is stuck.
 */
import { parametersAbi, marketAbi } from "@assay/protocol/generated/abis";
import { isAssayError } from "@assay/protocol/errors";
import type { Job, Progress, Submission, Terms } from "@assay/protocol/domain/messages";
import type { JobState } from "@assay/protocol/domain/states";
import type { Deployment } from "@assay/protocol/wire/api";
import { signedReceiptSchema } from "@assay/protocol/wire/api";
import type { Wire } from "@assay/protocol/wire/scalars";
import type { Logger } from "@assay/runtime/logger";
import type { TransactionSender } from "@assay/runtime/transactions";
import type { Hex, PublicClient } from "viem";
import type { SqlDatabase } from "../../database/sql.ts";
import { decideFinish } from "./decide.ts";

export interface FinisherOptions {
  readonly sql: SqlDatabase;
  readonly client: PublicClient;
  readonly deployment: Deployment;
  readonly sender: TransactionSender;
  readonly logger: Logger;
}

interface Due {
  readonly id: Hex;
  readonly state: JobState;
  readonly terms: Wire<Terms>;
  readonly progress: Wire<Progress>;
  readonly receipt: number | null;
  readonly submission: unknown;
  readonly signature: string | null;
  readonly online: boolean;
}

/** Jobs that time has something to say about, oldest deadline first. */
const DUE = `SELECT j.id, j.state, j.terms, j.progress, r.checkpoint AS receipt, r.submission, r.signature,
    coalesce(p.until > now() AT TIME ZONE 'utc', false) AS online
  FROM chain_job j LEFT JOIN market_receipt r ON r.job_id = j.id LEFT JOIN api_presence p ON p.provider = j.provider
  WHERE (j.state IN ('active', 'committed') AND (j.deadline < $1 OR j.progress ->> 'stoppedAt' <> '0'))
     OR (j.state = 'submitted' AND (j.progress ->> 'windowEnd')::int8 < $1)
     OR (j.state = 'submitted' AND r.checkpoint > (j.progress ->> 'checkpoint')::int8)
  ORDER BY j.deadline LIMIT 64`;

/** Milliseconds before a call that the contract refused is tried again. */
const AGAIN_MS = 30_000;

const TERMS_AMOUNTS = [
  "nonce",
  "initUnits",
  "stepUnits",
  "evalUnits",
  "seed",
  "price",
  "protocolFee",
  "matcherFee",
  "auditLine",
  "collateral",
  "statedLoss",
] as const satisfies readonly (keyof Terms)[];

/** The record as the contract takes it. */
const jobOf = ({ terms, progress }: Due): Job => ({
  terms: {
    ...terms,
    ...Object.fromEntries(TERMS_AMOUNTS.map((name) => [name, BigInt(terms[name])])),
  } as unknown as Terms,
  progress,
});

/** Looks once at everything that is due; safe to call at any time, again and again. */
export const createFinisher = ({ sql, client, deployment, sender, logger }: FinisherOptions) => {
  const { market, parameters } = deployment.contracts;
  const call = { to: market, abi: marketAbi } as const;
  const versions = new Map<number, { receiptGrace: number; revealTime: number }>();
  /** When a job that was refused may be tried again, and how often its calls were mined. */
  const notBefore = new Map<Hex, number>();
  const mined = new Map<string, number>();

  const termsOf = async (version: number) => {
    const known = versions.get(version);
    if (known !== undefined) return known;
    const { receiptGrace, revealTime } = await client.readContract({
      address: parameters,
      abi: parametersAbi,
      functionName: "paramsAt",
      args: [version],
    });
    versions.set(version, { receiptGrace, revealTime });
    return { receiptGrace, revealTime };
  };

  /** One transaction for each step of a record; asked for again after it was mined, a reorganisation has undone it. */
  const once = async (key: string, send: (key: string) => Promise<unknown>): Promise<void> => {
    const before = mined.get(key) ?? 0;
    await send(before === 0 ? key : `${key}:${before}`);
    mined.set(key, before + 1);
  };

  const act = async (row: Due, what: "present" | "settle" | "expire"): Promise<void> => {
    const job = jobOf(row);
    const { submittedAt, checkpoint, stoppedAt } = row.progress;
    const base = `${what}:${row.id}:${stoppedAt}:${submittedAt}:${checkpoint}`;
    if (what === "present") {
      const receipt = signedReceiptSchema.parse({
        submission: row.submission,
        signature: row.signature,
      });
      const args: [Job, Submission, Hex] = [job, receipt.submission, receipt.signature];
      await once(`${base}:${receipt.submission.checkpoint}`, (key) =>
        sender.send({ ...call, functionName: "submitReceipt", args, key }),
      );
    } else
      await once(base, (key) => sender.send({ ...call, functionName: what, args: [job], key }));
    logger.info({ job: row.id, what }, "brought a job on");
  };

  const finishOne = async (row: Due, now: number): Promise<void> => {
    if ((notBefore.get(row.id) ?? 0) > Date.now()) return;
    const { receiptGrace, revealTime } = await termsOf(row.terms.paramsVersion);
    const what = decideFinish({
      ...row,
      receipt: row.receipt ?? 0,
      receiptGrace,
      revealTime,
      now,
    });
    if (what === "wait") return;
    // Also after success: the index takes a moment to show it.
    const until = Date.now() + 2_000;
    notBefore.set(row.id, until);
    try {
      await act(row, what);
    } catch (error) {
      const code = isAssayError(error) ? error.code : "FINISH_FAILED";
      // Mostly the provider was first; a receipt may still be wanted within its grace time.
      const known = code.startsWith("MARKET_");
      notBefore.set(row.id, Date.now() + (known && what !== "present" ? AGAIN_MS : 2_000));
      logger[known ? "debug" : "warn"]({ job: row.id, what, code, err: error }, "could not");
    }
  };

  return async (): Promise<void> => {
    const now = Number((await client.getBlock()).timestamp);
    const rows = await sql.query<Due>(DUE, [now]);
    for (const id of notBefore.keys()) if (!rows.some((row) => row.id === id)) notBefore.delete(id);
    await Promise.all(rows.map((row) => finishOne(row, now)));
  };
};
