/** Schemas of the signed messages as they travel in JSON; parsing gives the domain types. */
import { z } from "zod";
import type { Acceptance, Offer, Request, Submission } from "../domain/messages.ts";
import {
  address,
  bytes32,
  uint128,
  uint16,
  uint256,
  uint32,
  uint40,
  uint64,
  uint8,
} from "./scalars.ts";

export const requestSchema = z.strictObject({
  requester: address,
  nonce: uint64,
  programRoot: bytes32,
  dataRoot: bytes32,
  programCid: bytes32,
  dataCid: bytes32,
  startRoot: bytes32,
  startStep: uint32,
  parentRoot: bytes32,
  parentIndex: uint32,
  seed: uint64,
  numerics: uint16,
  executor: uint8,
  access: uint8,
  replicas: uint8,
  steps: uint32,
  interval: uint32,
  initUnits: uint64,
  stepUnits: uint64,
  evalUnits: uint64,
  runTime: uint32,
  expiry: uint40,
  exclusiveUntil: uint40,
  matcher: address,
  matcherFee: uint128,
  maximum: uint128,
  auditLine: uint128,
  minCollateral: uint128,
  statedLoss: uint128,
  maxProtocolFeeBps: uint16,
  constraintsHash: bytes32,
}) satisfies z.ZodType<Request>;

export const acceptanceSchema = z.strictObject({
  requestDigest: bytes32,
  provider: address,
  unitPrice: uint256,
  collateral: uint128,
  nonce: uint64,
  expiry: uint40,
  paramsVersion: uint32,
}) satisfies z.ZodType<Acceptance>;

export const submissionSchema = z.strictObject({
  jobId: bytes32,
  checkpoint: uint32,
  prefixRoot: bytes32,
  stateRoot: bytes32,
  modelRoot: bytes32,
  evalRoot: bytes32,
  modelCid: bytes32,
}) satisfies z.ZodType<Submission>;

export const offerSchema = z.strictObject({
  provider: address,
  nonce: uint64,
  unitPrice: uint256,
  maxCollateral: uint128,
  maxStatedLoss: uint128,
  unitsPerSecond: uint64,
  capacity: uint16,
  descriptionHash: bytes32,
  expiry: uint40,
}) satisfies z.ZodType<Offer>;
