/** What a watcher must remember across a crash, beside its folders of runs and what the chain says. One event is one line. */
import { address, bytes32 } from "@assay/protocol/wire/scalars";
import { z } from "zod";

/** Unix milliseconds by this machine's clock; for people, decisions go by the chain's. */
const at = z.int();

const event = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.strictObject({ kind: z.literal(kind), at, ...shape });

export const eventSchema = z.discriminatedUnion("kind", [
  /** First line: whose journal this is, and the secret that its draws come from. */
  event("opened", {
    version: z.literal(1),
    chainId: z.int(),
    market: address,
    watcher: address,
    salt: bytes32,
  }),
  /** Everything up to this block was taken in, and it can no longer be undone. */
  event("cursor", { number: z.int(), hash: bytes32 }),
  /** A job that this watcher looks after, until `closed`. */
  event("watched", { jobId: bytes32 }),
  /** What the watcher found about a submission. */
  event("judged", {
    jobId: bytes32,
    traceRoot: bytes32,
    verdict: z.enum(["same", "different", "unknown"]),
    /** Why nothing is known. */
    code: z.string().optional(),
  }),
  /** Written before the challenge is sent: from here on a game of ours may exist. */
  event("challenging", { jobId: bytes32, traceRoot: bytes32, disputes: address }),
  event("closed", {
    jobId: bytes32,
    outcome: z.enum([
      "same",
      "unknown",
      "too late",
      "won",
      "lost",
      "returned",
      "gone",
      /** It was looked after for its audit alone. */
      "not drawn",
    ]),
  }),
  /** A transaction that was signed: hash by hash, so that none is sent twice under another nonce. */
  event("transaction", { key: z.string(), nonce: z.int(), hashes: z.array(bytes32) }),
]);

export type WatcherEvent = z.output<typeof eventSchema>;
export type EventOf<K extends WatcherEvent["kind"]> = Extract<WatcherEvent, { kind: K }>;
export type Outcome = EventOf<"closed">["outcome"];
