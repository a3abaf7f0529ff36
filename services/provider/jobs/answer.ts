/** Answers one proposal: looks, fetches, checks, and signs or says why not. */
import type { Program } from "@assay/engine/ir/types";
import type { Acceptance } from "@assay/protocol/domain/messages";
import { totalUnits } from "@assay/protocol/domain/money";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { digestOf, typedData, type MarketDomain } from "@assay/protocol/signing/typed-data";
import type { Proposal, Refusal } from "@assay/protocol/wire/api";
import type { ContentStore } from "@assay/storage/content";
import { randomBytes } from "node:crypto";
import type { Address, Hex, LocalAccount } from "viem";
import type { Chain } from "../chain/chain.ts";
import type { Notebook } from "../journal/notebook.ts";
import { fetchParent, fetchStart, type InputLimits } from "./inputs.ts";
import type { Prefetch } from "./prefetch.ts";
import type { Places } from "./places.ts";
import { measuredSeconds } from "./pace.ts";
import { refusalOf, tooSlow, type Policy } from "./policy.ts";
import { hashSpeed, replayTooLong } from "./replay.ts";

export interface AnswerParts {
  readonly chain: Chain;
  readonly domain: MarketDomain;
  readonly account: LocalAccount;
  readonly provider: Address;
  readonly notebook: Notebook;
  readonly store: ContentStore;
  readonly prefetch: Prefetch;
  readonly limits: Pick<InputLimits, "engine">;
  /** Share of the time a job may compute. */
  readonly dutyCycle: number;
  /** How many times as long a job takes once every place is taken as it does now. */
  readonly crowding: () => number;
  readonly places: Places;
  readonly policy: () => Policy;
  readonly draining: () => boolean;
  readonly signal: AbortSignal;
}

export interface Accepted {
  readonly acceptance: Acceptance;
  readonly signature: Hex;
  readonly jobId: Hex;
  /** Frees the place that the job has from here on. */
  readonly release: () => void;
}

export type Answer =
  | { readonly kind: "accepted"; readonly accepted: Accepted }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Seconds from signing in which the pair can be agreed; the place is held so long. */
const ACCEPTANCE_SECONDS = 120;
/** Seconds before `answerBy` at which fetching is given up. */
const ANSWER_MARGIN_SECONDS = 0.5;

const refused = (code: string, reason: string): Answer => ({
  kind: "refused",
  refusal: { code: code.slice(0, 64), reason: reason.slice(0, 500) },
});

/** Never throws for anything that the proposal can cause. An acceptance is in the journal before it is returned. */
export const answer = async (parts: AnswerParts, proposal: Proposal): Promise<Answer> => {
  const { chain, domain, places, signal } = parts;
  const digest = digestOf(domain, "Request", proposal.request);
  if (digest !== proposal.requestDigest)
    return refused("REQUEST_MISMATCH", "the request does not have the digest that is proposed");
  if (places.free === 0) return refused("PROVIDER_BUSY", "every place is taken");
  const release = places.take();
  let taken = false;
  try {
    const [now, parameters, stake] = await Promise.all([
      chain.now(),
      chain.parameters(),
      chain.stake(),
    ]);
    const refusal = refusalOf(proposal, parts.policy(), {
      now,
      draining: parts.draining(),
      freePlaces: 1,
      availableStake: stake.total - stake.locked - stake.leaving - stake.reserved,
      protocolFeeBps: parameters.protocolFeeBps,
      collateralBps: parameters.collateralBps,
    });
    if (refusal) return { kind: "refused", refusal };
    const { seconds, program } = await checkInputs(parts, proposal);
    const late =
      (seconds === undefined ? undefined : tooSlow(seconds, proposal.request.runTime)) ??
      replayTooLong(program, parameters.disputeClock, hashSpeed());
    if (late) return { kind: "refused", refusal: late };
    // Fetching and measuring took a while.
    if (parts.draining()) return refused("PROVIDER_DRAINING", "the agent takes no more jobs");
    const acceptance: Acceptance = {
      requestDigest: digest,
      provider: parts.provider,
      unitPrice: proposal.unitPrice,
      collateral: proposal.collateral,
      nonce: randomBytes(8).readBigUInt64BE(),
      expiry: Math.min(proposal.request.expiry, now + ACCEPTANCE_SECONDS),
      paramsVersion: parameters.version,
    };
    const jobId = digestOf(domain, "Acceptance", acceptance);
    const signature = await parts.account.signTypedData(
      typedData(domain, "Acceptance", acceptance),
    );
    await parts.notebook.note({
      kind: "accepted",
      jobId,
      proposalId: proposal.id,
      request: proposal.request,
      acceptance,
      signature,
    });
    taken = true;
    return { kind: "accepted", accepted: { acceptance, signature, jobId, release } };
  } catch (error) {
    signal.throwIfAborted();
    if (isAssayError(error, "JOURNAL_UNWRITABLE")) throw error;
    return isAssayError(error)
      ? refused(error.code, error.message)
      : refused("PROVIDER_UNEXPECTED", error instanceof Error ? error.message : String(error));
  } finally {
    if (!taken) release();
  }
};

/** Fetches and checks the inputs, and runs the program for a moment: seconds the job will take, undefined if unknown. */
const checkInputs = async (
  parts: AnswerParts,
  proposal: Proposal,
): Promise<{ readonly seconds: number | undefined; readonly program: Program }> => {
  const left = (proposal.answerBy - ANSWER_MARGIN_SECONDS) * 1000 - Date.now();
  const timeout = AbortSignal.timeout(Math.max(1, left));
  const signal = AbortSignal.any([parts.signal, timeout]);
  let again = false;
  try {
    const { request, requestDigest } = proposal;
    const inputs = await parts.prefetch.inputs(requestDigest, request, signal);
    await fetchStart(parts.store, request, inputs.program, parts.chain.startOf, signal);
    const find = parts.chain.parentOf;
    const parent = await fetchParent(parts.store, request, inputs.program, find, signal);
    const { dutyCycle, limits } = parts;
    const { engine } = limits;
    const pace = { engine, dutyCycle };
    const crowding = parts.crowding();
    const seconds = await measuredSeconds({ ...inputs, parent }, request, pace, signal);
    return { seconds: seconds && seconds * crowding, program: inputs.program };
  } catch (error) {
    parts.signal.throwIfAborted();
    if (!timeout.aborted) throw error;
    again = true;
    throw new AssayError("INPUTS_TOO_SLOW", "the inputs could not be fetched in the time allowed", {
      retryable: true,
      details: { units: totalUnits(proposal.request) },
    });
  } finally {
    await parts.prefetch.answered(proposal.requestDigest, again);
  }
};
