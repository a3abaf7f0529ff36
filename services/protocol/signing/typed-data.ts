/**
 * EIP-712 types of every signed message. Solidity is their source (`contracts/types`); `vectors/eip712.json` is asserted
 * from both languages.
 */
import {
  hashTypedData,
  type Address,
  type Hex,
  type TypedDataDefinition,
  type TypedDataDomain,
} from "viem";
import type { Acceptance, Offer, Request, SignOff, Submission } from "../domain/messages.ts";

/** Name and version in the EIP-712 domain of the market contract. */
export const DOMAIN = { name: "Assay", version: "1" } as const;

export interface MarketDomain {
  readonly chainId: number;
  /** The market contract. */
  readonly market: Address;
}

export const typedDataDomain = ({ chainId, market }: MarketDomain): TypedDataDomain => ({
  ...DOMAIN,
  chainId,
  verifyingContract: market,
});

export const TYPES = {
  Request: [
    { name: "requester", type: "address" },
    { name: "nonce", type: "uint64" },
    { name: "programRoot", type: "bytes32" },
    { name: "dataRoot", type: "bytes32" },
    { name: "programCid", type: "bytes32" },
    { name: "dataCid", type: "bytes32" },
    { name: "startRoot", type: "bytes32" },
    { name: "startStep", type: "uint32" },
    { name: "parentRoot", type: "bytes32" },
    { name: "parentIndex", type: "uint32" },
    { name: "seed", type: "uint64" },
    { name: "numerics", type: "uint16" },
    { name: "executor", type: "uint8" },
    { name: "access", type: "uint8" },
    { name: "replicas", type: "uint8" },
    { name: "steps", type: "uint32" },
    { name: "interval", type: "uint32" },
    { name: "initUnits", type: "uint64" },
    { name: "stepUnits", type: "uint64" },
    { name: "evalUnits", type: "uint64" },
    { name: "runTime", type: "uint32" },
    { name: "expiry", type: "uint40" },
    { name: "exclusiveUntil", type: "uint40" },
    { name: "matcher", type: "address" },
    { name: "matcherFee", type: "uint128" },
    { name: "maximum", type: "uint128" },
    { name: "auditLine", type: "uint128" },
    { name: "minCollateral", type: "uint128" },
    { name: "statedLoss", type: "uint128" },
    { name: "maxProtocolFeeBps", type: "uint16" },
    { name: "constraintsHash", type: "bytes32" },
  ],
  Acceptance: [
    { name: "requestDigest", type: "bytes32" },
    { name: "provider", type: "address" },
    { name: "unitPrice", type: "uint256" },
    { name: "collateral", type: "uint128" },
    { name: "nonce", type: "uint64" },
    { name: "expiry", type: "uint40" },
    { name: "paramsVersion", type: "uint32" },
  ],
  Submission: [
    { name: "jobId", type: "bytes32" },
    { name: "checkpoint", type: "uint32" },
    { name: "prefixRoot", type: "bytes32" },
    { name: "stateRoot", type: "bytes32" },
    { name: "modelRoot", type: "bytes32" },
    { name: "evalRoot", type: "bytes32" },
    { name: "modelCid", type: "bytes32" },
  ],
  SignOff: [
    { name: "jobId", type: "bytes32" },
    { name: "traceRoot", type: "bytes32" },
  ],
  Offer: [
    { name: "provider", type: "address" },
    { name: "nonce", type: "uint64" },
    { name: "unitPrice", type: "uint256" },
    { name: "maxCollateral", type: "uint128" },
    { name: "maxStatedLoss", type: "uint128" },
    { name: "unitsPerSecond", type: "uint64" },
    { name: "capacity", type: "uint16" },
    { name: "descriptionHash", type: "bytes32" },
    { name: "expiry", type: "uint40" },
  ],
} as const;

/** Message of each EIP-712 type. */
export interface Messages {
  readonly Request: Request;
  readonly Acceptance: Acceptance;
  readonly Submission: Submission;
  readonly SignOff: SignOff;
  readonly Offer: Offer;
}
export type MessageType = keyof Messages;

/** What `signTypedData` of a viem account or wallet takes. */
export const typedData = <T extends MessageType>(
  domain: MarketDomain,
  primaryType: T,
  message: Messages[T],
) =>
  // The pairing of type and message holds by the signature above; TypeScript cannot follow it through the union.
  ({
    domain: typedDataDomain(domain),
    types: TYPES,
    primaryType,
    message,
  }) as unknown as TypedDataDefinition<typeof TYPES, MessageType>;

/** EIP-712 digest of a message; of a request: what an acceptance names; of an acceptance: the job's id. */
export const digestOf = <T extends MessageType>(
  domain: MarketDomain,
  primaryType: T,
  message: Messages[T],
): Hex => hashTypedData(typedData(domain, primaryType, message));
