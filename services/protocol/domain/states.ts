/** States of a job, in the order of the contract's `JobState`. */
export const JOB_STATES = [
  "none",
  "active",
  "committed",
  "submitted",
  "settled",
  "slashed",
  "expired",
  "void",
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** No transition leaves these. */
export const FINAL_STATES: ReadonlySet<JobState> = new Set([
  "settled",
  "slashed",
  "expired",
  "void",
]);

/** Escrow and collateral are still locked: the provider can be slashed. */
export const OPEN_STATES: ReadonlySet<JobState> = new Set(["active", "committed", "submitted"]);

/** How far a provenance record was checked, in the order of the contract's `Assurance`: weakest first, but for `played`, which is `window` and a game. */
export const ASSURANCES = [
  "unverified",
  "signed-off",
  "window",
  "replicated",
  "audited",
  "played",
] as const;
export type Assurance = (typeof ASSURANCES)[number];

/** States of a request at a matcher. */
export const REQUEST_STATES = [
  "open",
  "proposed",
  "accepted",
  "agreed",
  "expired",
  "cancelled",
] as const;
export type RequestState = (typeof REQUEST_STATES)[number];
