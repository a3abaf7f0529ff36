/** Gathers accepted pairs for a moment, so that many share one transaction. */
import { contractError } from "@assay/protocol/chain/contract-errors";
import { AssayError } from "@assay/protocol/errors";
import type { Acceptance, Request } from "@assay/protocol/domain/messages";
import type { TransactionSender } from "@assay/runtime/transactions";
import { parseEventLogs, type Abi, type Address, type Hex } from "viem";
import { marketAbi } from "@assay/protocol/generated/abis";

export interface Pair {
  readonly request: Request;
  readonly requestSignature: Hex;
  readonly acceptance: Acceptance;
  readonly acceptanceSignature: Hex;
}

export interface PairSenderOptions {
  readonly sender: TransactionSender;
  readonly market: Address;
  /** Errors that an agreement may bubble up. */
  readonly errorAbi: Abi;
  /** Milliseconds for which pairs are gathered. */
  readonly window: number;
  /** Most pairs in one transaction. */
  readonly most?: number;
}

export interface PairSender {
  /** Hash of the transaction that made the job. Throws the contract's error for this pair. One `attempt` is one try. */
  agree(jobId: Hex, pair: Pair, attempt: number): Promise<Hex>;
}

interface Waiting extends PromiseWithResolvers<Hex> {
  readonly jobId: Hex;
  readonly pair: Pair;
  readonly attempt: number;
}

export const createPairSender = ({
  sender,
  market,
  errorAbi,
  window,
  most = 32,
}: PairSenderOptions): PairSender => {
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;
  /** How often a batch left the pair out: the next one must be another transaction, not the receipt of that one. */
  const skipped = new Map<Hex, number>();

  const keyOf = ({ jobId, attempt }: Waiting): string => {
    const times = skipped.get(jobId);
    return `${jobId}.${attempt}${times === undefined ? "" : `.${times}`}`;
  };

  const sendOne = async (one: Waiting): Promise<Hex> => {
    const { request, requestSignature, acceptance, acceptanceSignature } = one.pair;
    const { hash } = await sender.send({
      to: market,
      abi: marketAbi,
      functionName: "agree",
      args: [request, requestSignature, acceptance, acceptanceSignature],
      key: `agree:${keyOf(one)}`,
    });
    return hash;
  };

  const sendMany = async (batch: readonly Waiting[]): Promise<void> => {
    const { hash, receipt } = await sender.send({
      to: market,
      abi: marketAbi,
      functionName: "agreeBatch",
      args: [batch.map(({ pair }) => pair)],
      key: `agree:${batch.map(keyOf).join(",")}`,
    });
    const events = parseEventLogs({ abi: marketAbi, logs: receipt.logs });
    const agreed = new Set<string>();
    const reasons = new Map<number, Hex>();
    for (const event of events)
      if (event.eventName === "Agreed") agreed.add(event.args.jobId);
      else if (event.eventName === "PairSkipped")
        reasons.set(Number(event.args.place), event.args.reason);
    for (const [place, one] of batch.entries())
      if (agreed.has(one.jobId)) {
        skipped.delete(one.jobId);
        one.resolve(hash);
      } else {
        skipped.set(one.jobId, (skipped.get(one.jobId) ?? 0) + 1);
        one.reject(
          contractError(reasons.get(place) ?? "0x", [...marketAbi, ...errorAbi], { hash }),
        );
      }
  };

  const flush = (): void => {
    timer = undefined;
    const batch = waiting.slice(0, most);
    waiting = waiting.slice(most);
    if (waiting.length > 0) schedule();
    const [first] = batch;
    if (first === undefined) return;
    if (batch.length === 1) sendOne(first).then(first.resolve, first.reject);
    else
      sendMany(batch).catch((error: unknown) => {
        for (const one of batch) one.reject(error);
      });
  };

  const schedule = (): void => {
    timer ??= setTimeout(flush, window);
  };

  return {
    agree(jobId, pair, attempt) {
      const known = waiting.find((one) => one.jobId === jobId);
      if (known) return known.promise;
      const fresh: Waiting = { jobId, pair, attempt, ...Promise.withResolvers<Hex>() };
      waiting.push(fresh);
      if (waiting.length >= most) {
        clearTimeout(timer);
        flush();
      } else schedule();
      return fresh.promise;
    },
  };
};

/** Who is to blame when a pair cannot be agreed. */
export type Blame = "provider" | "request" | "later";

const BLAME: Readonly<Record<string, Blame>> = {
  // Seen only while the transaction that made it is being mined or carried by somebody else.
  MARKET_JOB_EXISTS: "later",
  MARKET_NO_PLACE_LEFT: "request",
  MARKET_ACCEPTANCE_EXPIRED: "provider",
  MARKET_WRONG_PARAMS: "provider",
  MARKET_INSUFFICIENT_COLLATERAL: "provider",
  STAKING_INSUFFICIENT: "provider",
  MARKET_REQUEST_EXPIRED: "request",
  MARKET_REQUEST_CANCELLED: "request",
  MARKET_REVEALED: "request",
  MARKET_ABOVE_MAXIMUM: "provider",
  MARKET_FEE_ABOVE_CAP: "request",
  MARKET_PRICE_ROUNDS_TO_ZERO: "provider",
  MARKET_UNSUPPORTED_REQUEST: "request",
  MARKET_PARENT_MISMATCH: "request",
  PROVENANCE_NO_RECORD: "request",
  LEDGER_INSUFFICIENT_BALANCE: "request",
  MARKET_PAUSED: "later",
  MARKET_EXCLUSIVE: "later",
};

/** Judges the error of a failed agreement. Errors that the contract did not make are tried again. */
export const blameFor = (error: unknown, pair: Pair): Blame => {
  if (!(error instanceof AssayError) || error.retryable) return "later";
  if (error.code === "MARKET_BAD_SIGNATURE")
    return error.details["signer"] === pair.request.requester ? "request" : "provider";
  return BLAME[error.code] ?? (error.code.startsWith("MARKET_") ? "request" : "later");
};
