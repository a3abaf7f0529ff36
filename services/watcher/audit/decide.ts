/** What an auditor has to do next about one job, from what the chain says and what this machine found. Pure. */
import type { JobState } from "@assay/protocol/domain/states";
import type { AuditView } from "@assay/sdk/disputes/audits";
import { isAddressEqual, zeroHash, type Address, type Hex } from "viem";

export type AuditStep =
  /** Nobody has brought the draw further. */
  | { readonly audit: "draw" }
  | { readonly audit: "commit"; readonly traceRoot: Hex }
  /** The result that stands is the one that was committed to. */
  | { readonly audit: "show" }
  | { readonly audit: "claim" }
  /** The slashed result is another one than was committed to. */
  | { readonly audit: "dissent"; readonly traceRoot: Hex }
  /** Of a slashed job: for having found out first, or for a game that was won. */
  | { readonly audit: "claim reward"; readonly account: Address };

export type AuditTurn =
  | { readonly do: "audit"; readonly step: AuditStep }
  /** Run the whole job. */
  | { readonly do: "run all" }
  | { readonly do: "wait"; readonly until: number }
  /** The draw is resolved, and others are to audit, or nobody. */
  | { readonly do: "not drawn" }
  /** Nothing, as far as the audit goes. */
  | { readonly do: "nothing" };

export interface AuditFacts {
  /** Timestamp of the latest block. */
  readonly now: number;
  readonly state: JobState;
  /** When the provider committed, Unix seconds. */
  readonly committedAt: number;
  /** Last second in which the standing result can be challenged. */
  readonly windowEnd: number;
  /** Trace root that stands, or that was slashed. */
  readonly standing: Hex;
  readonly auditor: Address;
  /** Who challenges: the key, which may be an operator of the auditor. */
  readonly challenger: Address;
  readonly view: AuditView;
  /** Trace root of our own run of the whole job, once it is finished. */
  readonly own: Hex | undefined;
  /** What we would have committed to with it. */
  readonly ownCommitment: Hex | undefined;
  /** Our run failed for good. */
  readonly failed: boolean;
}

/** Seconds that the provider, who needs the draw to be paid, is given to bring it further. */
export const DRAW_PATIENCE_SECONDS = 30;

const NOTHING = { do: "nothing" } as const;
const step = (one: AuditStep): AuditTurn => ({ do: "audit", step: one });

export const decideAudit = (facts: AuditFacts): AuditTurn => {
  switch (facts.state) {
    case "committed":
      return decideCommitted(facts);
    case "submitted":
      return decideStanding(facts);
    case "settled":
      return facts.view.shown ? step({ audit: "claim" }) : NOTHING;
    case "slashed":
      return decideSlashed(facts);
    default:
      return NOTHING;
  }
};

const decideCommitted = ({ now, committedAt, view, own, failed }: AuditFacts): AuditTurn => {
  if (view.until === 0) {
    const from = committedAt + DRAW_PATIENCE_SECONDS;
    return now < from ? { do: "wait", until: from } : step({ audit: "draw" });
  }
  if (!view.drawn) return { do: "not drawn" };
  if (view.commitment !== zeroHash || now > view.until || failed) return NOTHING;
  return own === undefined ? { do: "run all" } : step({ audit: "commit", traceRoot: own });
};

const decideStanding = (facts: AuditFacts): AuditTurn => {
  const { view, own, standing, failed, windowEnd } = facts;
  if (view.commitment === zeroHash) return NOTHING;
  if (view.shown) return { do: "wait", until: windowEnd + 1 };
  if (own === undefined) return failed ? NOTHING : { do: "run all" };
  return own === standing && view.commitment === facts.ownCommitment
    ? step({ audit: "show" })
    : NOTHING;
};

/** The reward waits for those who dissent, and is the winner's only where nobody does. */
const decideSlashed = (facts: AuditFacts): AuditTurn => {
  const { now, view, own, standing, failed, auditor, challenger } = facts;
  const { reward } = view;
  if (reward === undefined) return NOTHING;
  const open = now <= reward.until;
  if (view.commitment !== zeroHash && !view.shown && open && !failed) {
    if (own === undefined) return { do: "run all" };
    if (own !== standing && view.commitment === facts.ownCommitment)
      return step({ audit: "dissent", traceRoot: own });
  }
  const account = view.dissented
    ? auditor
    : [auditor, challenger].find((one) => isAddressEqual(one, reward.winner));
  if (account === undefined) return NOTHING;
  if (open) return { do: "wait", until: reward.until + 1 };
  return view.dissented || reward.auditors === 0
    ? step({ audit: "claim reward", account })
    : NOTHING;
};
