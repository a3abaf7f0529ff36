/** Listens to the market's proposals for as long as the agent runs, and carries the answers. */
import { setTimeout as sleep } from "node:timers/promises";
import { isAssayError } from "@assay/protocol/errors";
import { proposalSchema, type Proposal } from "@assay/protocol/wire/api";
import type { Logger } from "@assay/runtime/logger";
import type { AssayContext } from "@assay/sdk/context";
import { call } from "@assay/sdk/http/fetch";
import { stream } from "@assay/sdk/http/events";
import type { Hex } from "viem";
import type { Answer } from "../jobs/answer.ts";
import type { MarketSession } from "./session.ts";

export interface ListenParts {
  readonly context: AssayContext;
  readonly session: MarketSession;
  readonly logger: Logger;
  readonly onProposal: (proposal: Proposal) => void;
  /** Whether the market can be reached, for the status. */
  readonly onConnection: (problem: string | undefined) => void;
  readonly signal: AbortSignal;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** Resolves only when `signal` is aborted: a market that is down, restarted or upset is tried again. */
export const listen = async (parts: ListenParts): Promise<void> => {
  const { context, session, logger, signal } = parts;
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      await session.headers();
      parts.onConnection(undefined);
      const events = stream(context, "/v1/proposals", { headers: session.headers, signal });
      for await (const { event, data } of events) {
        pause = FIRST_PAUSE_MS;
        if (event !== "proposal") continue;
        const parsed = proposalSchema.safeParse(data);
        if (parsed.success) parts.onProposal(parsed.data);
        else logger.warn({ err: parsed.error }, "a proposal that does not parse");
      }
    } catch (error) {
      if (signal.aborted) return;
      session.forget();
      const problem = isAssayError(error) ? `${error.code}: ${error.message}` : String(error);
      parts.onConnection(problem);
      logger.warn({ problem }, "no proposals from the market; trying again");
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
};

/** Tells the market. An acceptance is repeated until `answerBy`: it may count even where no answer came back. */
export const tell = async (
  { context, session, logger, signal }: Omit<ListenParts, "onProposal" | "onConnection">,
  proposal: Pick<Proposal, "id" | "answerBy">,
  said: Answer,
): Promise<void> => {
  const path = `/v1/proposals/${encodeURIComponent(proposal.id)}`;
  for (let pause = 200; ; pause *= 2) {
    try {
      if (said.kind === "refused")
        await session.call(`${path}/refusal`, { body: said.refusal, signal });
      else {
        const { acceptance, signature } = said.accepted;
        await call(context, `${path}/acceptance`, { body: { acceptance, signature }, signal });
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      const final = isAssayError(error) && !error.retryable;
      logger.warn(
        { proposal: proposal.id, said: said.kind, err: error },
        "the market did not take the answer",
      );
      if (final || Date.now() + pause > proposal.answerBy * 1000) return;
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
};

/** Withdraws an offer; one that is gone already is as good. */
export const withdrawOffer = async (session: MarketSession, digest: Hex): Promise<void> => {
  await session.call(`/v1/offers/${digest}`, { method: "DELETE" });
};
