/** Bodies of the market's HTTP interface, shared by the server, the SDK and the provider's agent. */
import { z } from "zod";
import { ASSURANCES, JOB_STATES, REQUEST_STATES } from "../domain/states.ts";
import { constraintsSchema, descriptionSchema } from "./description.ts";
import { acceptanceSchema, offerSchema, requestSchema, submissionSchema } from "./messages.ts";
import {
  address,
  bytes32,
  hex,
  uint128,
  uint16,
  uint256,
  uint32,
  uint40,
  uint64,
  uint8,
} from "./scalars.ts";

/** `GET /v1/deployment`: all a client needs to sign and to talk to the chain. */
export const deploymentSchema = z.strictObject({
  chainId: z.int(),
  /** First block with any of the contracts. */
  startBlock: z.int(),
  contracts: z.strictObject({
    market: address,
    staking: address,
    reputation: address,
    provenance: address,
    parameters: address,
    /** The dispute game that new jobs are agreed under; a job's own is in its terms. */
    disputes: address,
    token: address,
    /** Governor by stake, where the parameters have one. */
    governor: address.optional(),
  }),
  token: z.strictObject({ symbol: z.string(), decimals: z.int() }),
});
export type Deployment = z.infer<typeof deploymentSchema>;

/** `POST /v1/offers` */
export const signedOfferSchema = z.strictObject({
  offer: offerSchema,
  description: descriptionSchema,
  signature: hex,
});
export type SignedOffer = z.infer<typeof signedOfferSchema>;

/** `POST /v1/requests` */
export const signedRequestSchema = z.strictObject({
  request: requestSchema,
  constraints: constraintsSchema,
  signature: hex,
});
export type SignedRequest = z.infer<typeof signedRequestSchema>;

/** `POST /v1/quotes`: what a request would be asked to pay; commits nothing. */
export const quoteAskSchema = z.strictObject({
  initUnits: uint64,
  stepUnits: uint64,
  evalUnits: uint64,
  steps: uint32,
  startStep: uint32.default(0),
  interval: uint32,
  runTime: uint32,
  maximum: uint128.optional(),
  statedLoss: uint128.optional(),
  minCollateral: uint128.optional(),
  matcherFee: uint128.optional(),
  auditLine: uint128.optional(),
  constraints: constraintsSchema,
});
export type QuoteAsk = z.infer<typeof quoteAskSchema>;

/** One provider's price for one job, in token base units. */
export const quoteOptionSchema = z.strictObject({
  offerDigest: bytes32,
  provider: address,
  name: z.string().optional(),
  region: z.string(),
  unitPrice: uint256,
  price: uint128,
  protocolFee: uint128,
  matcherFee: uint128,
  auditLine: uint128,
  total: uint128,
  collateral: uint128,
  /** Expected run time at the provider's measured speed. */
  seconds: z.number(),
  /** Basis points. */
  reputation: z.int(),
  /** Weighted score, lower is better. */
  score: z.number(),
});

/** Why offers were left out. `relaxation` says what changing this one constraint would give. */
export const rejectionSchema = z.strictObject({
  constraint: z.string(),
  offers: z.int(),
  explanation: z.string(),
  relaxation: z
    .strictObject({
      change: z.string(),
      offers: z.int(),
      cheapestTotal: uint128.optional(),
    })
    .optional(),
});

export const quoteSchema = z.strictObject({
  units: uint64,
  offers: z.int(),
  options: z.array(quoteOptionSchema),
  rejected: z.array(rejectionSchema),
});
export type Quote = z.infer<typeof quoteSchema>;
export type QuoteOption = z.infer<typeof quoteOptionSchema>;
export type Rejection = z.infer<typeof rejectionSchema>;

/** `GET /v1/requests/:digest` and the `request` events of its stream. */
export const requestStatusSchema = z.strictObject({
  digest: bytes32,
  requester: address,
  state: z.enum(REQUEST_STATES),
  jobIds: z.array(bytes32),
  provider: address.optional(),
  /** Why this provider, or why none: one line for people. */
  explanation: z.string(),
  rejected: z.array(rejectionSchema),
  updatedAt: z.int(),
});
export type RequestStatus = z.infer<typeof requestStatusSchema>;

/** A pair proposed to a provider's agent: `proposal` events of `GET /v1/proposals`. */
export const proposalSchema = z.strictObject({
  id: z.string(),
  requestDigest: bytes32,
  request: requestSchema,
  constraints: constraintsSchema,
  requestSignature: hex,
  unitPrice: uint256,
  collateral: uint128,
  /** Unix seconds after which the next provider is asked. */
  answerBy: uint40,
});
export type Proposal = z.infer<typeof proposalSchema>;

/** `POST /v1/proposals/:id/acceptance` */
export const signedAcceptanceSchema = z.strictObject({
  acceptance: acceptanceSchema,
  signature: hex,
});
export type SignedAcceptance = z.infer<typeof signedAcceptanceSchema>;

/** `POST /v1/proposals/:id/refusal` */
export const refusalSchema = z.strictObject({
  code: z.string().max(64),
  reason: z.string().max(500),
});
export type Refusal = z.infer<typeof refusalSchema>;

/** Part of a progress report. */
export const engineReportSchema = z.strictObject({
  /** Bytes of memory that the compiled program takes, what it reads of its data included; fixed before the first step. */
  memoryBytes: z.number().int().min(0),
  /** Bytes of the data set that stay on the provider's disk, because its memory has no room for them. */
  fileBytes: z.number().int().min(0),
  /** Share of a step's evaluations that run below full speed. */
  slowShare: z.number().min(0).max(1),
  slowCount: uint32,
  /** The ops that could not be compiled to run at full speed: the first of them, and what keeps them. */
  slow: z.array(z.string().max(500)).max(16),
});
export type EngineReport = z.infer<typeof engineReportSchema>;

/** `POST /v1/jobs/:id/progress`, by the provider's agent; told on to the streams. Not checked by anyone. */
export const progressReportSchema = z.strictObject({
  phase: z.enum(["fetching", "training", "evaluating", "uploading", "submitted"]),
  step: uint32,
  steps: uint32,
  checkpoint: uint32,
  loss: z.number().nullable(),
  stepsPerSecond: z.number().min(0),
  secondsLeft: z.number().min(0),
  /** The provider takes no more work and would hand this job over at a checkpoint. */
  leaving: z.boolean().optional(),
  /** What the engine made of the program, once it is compiled. */
  engine: engineReportSchema.optional(),
});
export type ProgressReport = z.infer<typeof progressReportSchema>;

/**
 * `POST /v1/jobs/:id/receipts` and `GET /v1/jobs/:id/receipt`: the latest checkpoint before the last that the provider has
 * signed for. Its `modelCid` names the file of the whole state.
 */
export const signedReceiptSchema = z.strictObject({ submission: submissionSchema, signature: hex });
export type SignedReceipt = z.infer<typeof signedReceiptSchema>;

/**
 * Two results that a provider signed for one checkpoint of a job: what `slashConflict` takes. The signature of the one that
 * stands on the chain may be empty (`0x`).
 */
export const conflictEvidenceSchema = z.object({
  first: signedReceiptSchema,
  second: signedReceiptSchema,
});
export type ConflictEvidence = z.infer<typeof conflictEvidenceSchema>;

/** Items of `GET /v1/conflicts`: the first conflict that a market saw about a job. */
export const conflictSchema = z.strictObject({
  jobId: bytes32,
  provider: address,
  /** Where the job stands; only an open one can be slashed. */
  state: z.enum(JOB_STATES),
  checkpoint: uint32,
  /** Unix seconds. */
  seenAt: uint40,
  ...conflictEvidenceSchema.shape,
});
export type Conflict = z.infer<typeof conflictSchema>;

/** `GET /v1/jobs/:id` and items of `GET /v1/jobs`. */
export const jobViewSchema = z.strictObject({
  id: bytes32,
  state: z.enum(JOB_STATES),
  requestDigest: bytes32,
  requester: address,
  provider: address,
  /** The name that the provider's offer gave. */
  providerName: z.string().nullable(),
  programRoot: bytes32,
  dataRoot: bytes32,
  programCid: bytes32,
  dataCid: bytes32,
  /** State it started from and the artifact that this belongs to; null for a job from scratch. */
  startRoot: bytes32.nullable(),
  parentRoot: bytes32.nullable(),
  seed: uint64,
  steps: uint32,
  startStep: uint32,
  interval: uint32,
  replicas: uint8,
  checkpoint: uint32,
  /** Latest checkpoint that the market has a receipt for; 0 for none. */
  receipt: uint32,
  price: uint128,
  protocolFee: uint128,
  matcherFee: uint128,
  auditLine: uint128,
  collateral: uint128,
  agreedAt: uint40,
  deadline: uint40,
  stoppedAt: uint40.nullable(),
  submittedAt: uint40.nullable(),
  windowEnd: uint40.nullable(),
  settledAt: uint40.nullable(),
  traceRoot: bytes32.nullable(),
  modelRoot: bytes32.nullable(),
  evalRoot: bytes32.nullable(),
  modelCid: bytes32.nullable(),
  paid: uint128.nullable(),
  refunded: uint128.nullable(),
  assurance: z.enum(ASSURANCES).nullable(),
  transactions: z.array(
    z.strictObject({
      event: z.string(),
      hash: bytes32,
      block: z.int(),
      gasUsed: z.int().nullable(),
    }),
  ),
  /** Last report of the provider's agent, unchecked. */
  report: progressReportSchema.nullable(),
});
export type JobView = z.infer<typeof jobViewSchema>;

/** `GET /v1/providers/:address` */
export const providerViewSchema = z.strictObject({
  address,
  name: z.string().optional(),
  online: z.boolean(),
  stake: uint128,
  locked: uint128,
  reputation: uint16,
  offers: z.int(),
  runningJobs: z.int(),
  earned: uint128,
  pending: uint128,
  /** Why it has no work, one line for people; absent while it runs something. */
  whyIdle: z.string().optional(),
});
export type ProviderView = z.infer<typeof providerViewSchema>;

/** RFC 9457 problem details; `code` is the stable code of an AssayError. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  remedy: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type Problem = z.infer<typeof problemSchema>;
