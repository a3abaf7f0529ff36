/** Rows of requests and proposals for tests, written as the market itself writes them. */
import type { SignedAcceptance, SignedRequest } from "@assay/protocol/wire/api";
import { toWire } from "@assay/protocol/wire/scalars";
import { keccak256, numberToHex, zeroAddress, zeroHash, type Hex } from "viem";
import type { Sql } from "../database/sql.ts";
import { addressOf } from "./markets.ts";

const SIGNATURE: Hex = `0x${"11".repeat(65)}`;
const REQUESTER = addressOf(900);
const EMPTY_CONSTRAINTS: SignedRequest["constraints"] = {
  weights: { price: 1, time: 0, reputation: 0, carbon: 0 },
};

let rows = 0;

/** A request that stands in the market. `expiry`: Unix seconds; `age`: seconds since it last changed. Its digest. */
export const insertRequest = async (
  sql: Sql,
  {
    expiry,
    state = "open",
    replicas = 1,
    age = 0,
  }: { expiry: number; state?: string; replicas?: number; age?: number },
): Promise<Hex> => {
  const place = ++rows;
  const digest = keccak256(numberToHex(place, { size: 32 }));
  const signed: SignedRequest = {
    request: {
      requester: REQUESTER,
      nonce: BigInt(place),
      programRoot: keccak256("0x01"),
      dataRoot: keccak256("0x02"),
      programCid: keccak256("0x03"),
      dataCid: keccak256("0x04"),
      startRoot: zeroHash,
      startStep: 0,
      parentRoot: zeroHash,
      parentIndex: 0,
      seed: 7n,
      numerics: 1,
      executor: 0,
      access: 0,
      replicas,
      steps: 100,
      interval: 10,
      initUnits: 1_000n,
      stepUnits: 10_000n,
      evalUnits: 500n,
      runTime: 600,
      expiry,
      exclusiveUntil: 0,
      matcher: zeroAddress,
      matcherFee: 0n,
      maximum: 10n ** 7n,
      auditLine: 0n,
      minCollateral: 0n,
      statedLoss: 0n,
      maxProtocolFeeBps: 1_000,
      constraintsHash: zeroHash,
    },
    constraints: EMPTY_CONSTRAINTS,
    signature: SIGNATURE,
  };
  await sql.query(
    `INSERT INTO market_request (digest, requester, signed, state, explanation, maximum, expiry, updated_at)
     VALUES ($1, $2, $3::jsonb, $4, '', '10000000', $5, (now() AT TIME ZONE 'utc') - make_interval(secs => $6))`,
    [digest, REQUESTER, JSON.stringify(toWire(signed)), state, expiry, age],
  );
  return digest;
};

export interface ProposalSeed {
  readonly state: string;
  readonly provider?: number;
  /** Code of a refusal. */
  readonly code?: string;
  /** Expiry of its acceptance, Unix seconds; absent: it has none. */
  readonly accepted?: number;
  /** Seconds since it last changed. */
  readonly age?: number;
  readonly answerBy?: number;
}

/** A proposal of the request. Its id. */
export const insertProposal = async (
  sql: Sql,
  digest: Hex,
  { state, provider = 0, code, accepted, age = 0, answerBy = 0 }: ProposalSeed,
): Promise<string> => {
  const id = `${digest}-${++rows}`;
  const signed: SignedAcceptance = {
    acceptance: {
      requestDigest: digest,
      provider: addressOf(provider),
      unitPrice: 10n ** 12n,
      collateral: 1n,
      nonce: 1n,
      expiry: accepted ?? 0,
      paramsVersion: 1,
    },
    signature: SIGNATURE,
  };
  await sql.query(
    `INSERT INTO market_proposal (id, request_digest, provider, offer_digest, unit_price, collateral, answer_by, state,
       reason, acceptance, job_id, updated_at)
     VALUES ($1, $2, $3, $4, '1000000000000', '1', $5, $6, $7::jsonb, $8::jsonb, $9,
       (now() AT TIME ZONE 'utc') - make_interval(secs => $10))`,
    [
      id,
      digest,
      addressOf(provider),
      zeroHash,
      answerBy,
      state,
      code === undefined ? null : JSON.stringify({ code, reason: "for a test" }),
      accepted === undefined ? null : JSON.stringify(toWire(signed)),
      accepted === undefined ? null : keccak256(numberToHex(rows, { size: 32 })),
      age,
    ],
  );
  return id;
};
