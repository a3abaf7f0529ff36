/** What an agent must remember across a crash. One event is one line of the journal. */
import { z } from "zod";
import { acceptanceSchema, requestSchema, submissionSchema } from "@assay/protocol/wire/messages";
import { address, bytes32, hex, uint128, uint64 } from "@assay/protocol/wire/scalars";

/** Unix milliseconds by this machine's clock; for people, decisions go by the chain's. */
const at = z.int();

const event = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.strictObject({ kind: z.literal(kind), at, ...shape });

export const eventSchema = z.discriminatedUnion("kind", [
  /** First line: whose journal this is. */
  event("opened", { version: z.literal(1), chainId: z.int(), market: address, provider: address }),
  /** Written before the signature leaves the machine: from here on the job may exist. */
  event("accepted", {
    jobId: bytes32,
    proposalId: z.string(),
    request: requestSchema,
    acceptance: acceptanceSchema,
    signature: hex,
  }),
  event("agreed", { jobId: bytes32 }),
  /** Training is over and the model is stored; all that is left is to tell the chain. */
  event("trained", { jobId: bytes32, submission: submissionSchema }),
  /** Written before the commitment it hides in is sent: without it nothing can be revealed. */
  event("salted", { jobId: bytes32, salt: bytes32 }),
  event("submitted", { jobId: bytes32, transaction: bytes32 }),
  /** Nothing more will happen with this job. */
  event("ended", {
    jobId: bytes32,
    outcome: z.enum(["settled", "lapsed", "failed", "expired", "slashed", "void"]),
    paid: uint128,
    code: z.string().optional(),
    message: z.string().optional(),
  }),
  /** A transaction that was signed: hash by hash, so that none is sent twice under another nonce. */
  event("transaction", { key: z.string(), nonce: z.int(), hashes: z.array(bytes32) }),
  event("offered", { nonce: uint64, digest: bytes32, expiry: z.int() }),
]);

export type JournalEvent = z.output<typeof eventSchema>;
export type JournalEventOf<K extends JournalEvent["kind"]> = Extract<JournalEvent, { kind: K }>;
