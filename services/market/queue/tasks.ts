/** Everything the market must not forget when it crashes, by name and content. Handlers are idempotent by key. */
export interface Tasks {
  /** Match a request that has come in, or has lost a provider. */
  readonly intake: { readonly requestDigest: string };
  /** A proposal's time to answer is over. */
  readonly answerDue: { readonly proposalId: string };
  /** Carry an accepted pair to the market contract. */
  readonly agree: {
    readonly proposalId: string;
    /** Another number after a reorganisation, so that it is sent anew. */
    readonly attempt?: number;
  };
  /** A request can no longer be agreed. */
  readonly requestDue: { readonly requestDigest: string };
}
export type TaskName = keyof Tasks;

export const TASK_NAMES: readonly TaskName[] = ["intake", "answerDue", "agree", "requestDue"];
