import assert from "node:assert/strict";
import { test } from "node:test";
import type { Proposal } from "@assay/protocol/wire/api";
import { canonicalHash, constraintsSchema } from "@assay/protocol/wire/description";
import { zeroAddress, zeroHash } from "viem";
import { refusalOf, type Conditions, type Policy } from "./policy.ts";

const constraints = constraintsSchema.parse({ minCpuCores: 2 });
const UNIT_PRICE = 10n ** 18n;

const request: Proposal["request"] = {
  requester: zeroAddress,
  nonce: 1n,
  programRoot: zeroHash,
  dataRoot: zeroHash,
  programCid: zeroHash,
  dataCid: zeroHash,
  startRoot: zeroHash,
  startStep: 0,
  parentRoot: zeroHash,
  parentIndex: 0,
  seed: 1n,
  numerics: 1,
  executor: 0,
  access: 0,
  replicas: 1,
  steps: 100,
  interval: 10,
  initUnits: 0n,
  stepUnits: 10n,
  evalUnits: 0n,
  runTime: 100,
  expiry: 2_000,
  exclusiveUntil: 0,
  matcher: zeroAddress,
  matcherFee: 0n,
  maximum: 1_010n,
  auditLine: 0n,
  minCollateral: 0n,
  statedLoss: 0n,
  maxProtocolFeeBps: 100,
  constraintsHash: canonicalHash(constraints),
};
const proposal: Proposal = {
  id: "p",
  requestDigest: zeroHash,
  request,
  constraints,
  requestSignature: "0x",
  unitPrice: UNIT_PRICE,
  collateral: 1_000n,
  answerBy: 1_010,
};
const policy: Policy = {
  unitPrice: UNIT_PRICE,
  maxCollateral: 1_000n,
  maxStatedLoss: 0n,
  unitsPerSecond: 100,
};
const conditions: Conditions = {
  now: 1_000,
  draining: false,
  freePlaces: 1,
  availableStake: 1_000n,
  protocolFeeBps: 100,
  collateralBps: 10_000,
};

const codeOf = (
  change: {
    request?: Partial<Proposal["request"]>;
    proposal?: Partial<Proposal>;
    policy?: Partial<Policy>;
    conditions?: Partial<Conditions>;
  } = {},
): string | undefined =>
  refusalOf(
    { ...proposal, ...change.proposal, request: { ...request, ...change.request } },
    { ...policy, ...change.policy },
    { ...conditions, ...change.conditions },
  )?.code;

test("a job exactly at every limit is taken", () => {
  assert.equal(codeOf(), undefined);
});

const REFUSALS: [string, Parameters<typeof codeOf>[0]][] = [
  ["PROVIDER_DRAINING", { conditions: { draining: true } }],
  ["PROVIDER_BUSY", { conditions: { freePlaces: 0 } }],
  ["EXECUTOR_UNSUPPORTED", { request: { executor: 1 } }],
  ["ACCESS_UNSUPPORTED", { request: { access: 1 } }],
  ["NUMERICS_UNSUPPORTED", { request: { numerics: 2 } }],
  ["CONSTRAINTS_MISMATCH", { request: { constraintsHash: zeroHash } }],
  ["REQUEST_EXPIRED", { request: { expiry: 1_000 } }],
  ["PRICE_BELOW_ASK", { policy: { unitPrice: UNIT_PRICE + 1n } }],
  ["ABOVE_MAXIMUM", { request: { maximum: 1_009n } }],
  ["ABOVE_MAXIMUM", { request: { matcherFee: 1n } }],
  ["COLLATERAL_TOO_LOW", { proposal: { collateral: 999n } }],
  ["COLLATERAL_TOO_LOW", { request: { minCollateral: 1_001n } }],
  ["COLLATERAL_TOO_HIGH", { policy: { maxCollateral: 999n } }],
  ["STAKE_TOO_LOW", { conditions: { availableStake: 999n } }],
  ["STATED_LOSS_TOO_HIGH", { request: { statedLoss: 1n } }],
  ["DEADLINE_TOO_SHORT", { request: { runTime: 14 } }],
  ["DEADLINE_TOO_SHORT", { policy: { unitsPerSecond: 10 } }],
];

for (const [code, change] of REFUSALS)
  test(`a job is refused with ${code} for ${JSON.stringify(change, (_k, v: unknown) => (typeof v === "bigint" ? Number(v) : v))}`, () => {
    assert.equal(codeOf(change), code);
  });

test("a job too small for one base unit is refused", () => {
  assert.equal(
    codeOf({ proposal: { unitPrice: 1n, collateral: 0n }, policy: { unitPrice: 0n } }),
    "PRICE_ROUNDS_TO_ZERO",
  );
});
