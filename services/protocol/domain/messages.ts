/** The messages that requesters and providers sign; field for field the structs in `contracts/types`. */
import type { Address, Hex } from "viem";

export interface Request {
  readonly requester: Address;
  readonly nonce: bigint;
  readonly programRoot: Hex;
  readonly dataRoot: Hex;
  readonly programCid: Hex;
  readonly dataCid: Hex;
  readonly startRoot: Hex;
  readonly startStep: number;
  readonly parentRoot: Hex;
  readonly parentIndex: number;
  readonly seed: bigint;
  readonly numerics: number;
  readonly executor: number;
  readonly access: number;
  readonly replicas: number;
  readonly steps: number;
  readonly interval: number;
  readonly initUnits: bigint;
  readonly stepUnits: bigint;
  readonly evalUnits: bigint;
  readonly runTime: number;
  readonly expiry: number;
  readonly exclusiveUntil: number;
  readonly matcher: Address;
  readonly matcherFee: bigint;
  readonly maximum: bigint;
  readonly auditLine: bigint;
  readonly minCollateral: bigint;
  readonly statedLoss: bigint;
  readonly maxProtocolFeeBps: number;
  readonly constraintsHash: Hex;
}

export interface Acceptance {
  readonly requestDigest: Hex;
  readonly provider: Address;
  /** Token base units per work unit, 18 decimals fixed point. */
  readonly unitPrice: bigint;
  readonly collateral: bigint;
  readonly nonce: bigint;
  readonly expiry: number;
  /** Version of the governed parameters that the provider has read; must be the newest when the job is agreed. */
  readonly paramsVersion: number;
}

export interface Submission {
  readonly jobId: Hex;
  readonly checkpoint: number;
  readonly prefixRoot: Hex;
  readonly stateRoot: Hex;
  readonly modelRoot: Hex;
  readonly evalRoot: Hex;
  readonly modelCid: Hex;
}

export interface SignOff {
  readonly jobId: Hex;
  readonly traceRoot: Hex;
}

export interface Offer {
  readonly provider: Address;
  readonly nonce: bigint;
  readonly unitPrice: bigint;
  readonly maxCollateral: bigint;
  readonly maxStatedLoss: bigint;
  readonly unitsPerSecond: bigint;
  readonly capacity: number;
  readonly descriptionHash: Hex;
  readonly expiry: number;
}

/** Everything agreement fixed; `contracts/types/Job.sol`. */
export interface Terms {
  readonly jobId: Hex;
  readonly requestDigest: Hex;
  /** Of the request. */
  readonly nonce: bigint;
  readonly requester: Address;
  readonly provider: Address;
  readonly matcher: Address;
  readonly programRoot: Hex;
  readonly dataRoot: Hex;
  readonly startRoot: Hex;
  readonly parentRoot: Hex;
  readonly parentIndex: number;
  readonly startStep: number;
  readonly steps: number;
  readonly interval: number;
  readonly initUnits: bigint;
  readonly stepUnits: bigint;
  readonly evalUnits: bigint;
  readonly seed: bigint;
  readonly numerics: number;
  readonly executor: number;
  readonly access: number;
  readonly replicas: number;
  readonly price: bigint;
  readonly protocolFee: bigint;
  readonly matcherFee: bigint;
  readonly auditLine: bigint;
  readonly collateral: bigint;
  readonly statedLoss: bigint;
  /** Receives the protocol fee. */
  readonly treasury: Address;
  /** Dispute game; zero while there is none. */
  readonly disputes: Address;
  readonly agreedAt: number;
  readonly deadline: number;
  readonly window: number;
  readonly paramsVersion: number;
}

/** What has happened to a job since it was agreed. */
export interface Progress {
  readonly commitment: Hex;
  readonly committedAt: number;
  readonly stoppedAt: number;
  readonly submittedAt: number;
  readonly windowEnd: number;
  readonly checkpoint: number;
  readonly traceRoot: Hex;
  readonly stateRoot: Hex;
  readonly modelRoot: Hex;
  readonly evalRoot: Hex;
}

/** The record whose hash the market stores. */
export interface Job {
  readonly terms: Terms;
  readonly progress: Progress;
}
