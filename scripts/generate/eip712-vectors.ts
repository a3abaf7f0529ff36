/** Writes `services/protocol/vectors/eip712.json`: one message of each signed type with its hashes and signature. */
import type { Messages, MessageType } from "@assay/protocol/signing/typed-data";
import { TYPES, digestOf, typedData } from "@assay/protocol/signing/typed-data";
import { type Hex, keccak256, toBytes } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { hashStruct } from "viem/utils";

import { emit } from "./support/output.ts";

const key = keccak256(toBytes("assay eip-712 vectors"));
const signer = privateKeyToAccount(key);
const domain = { chainId: 31_337, market: "0x2222222222222222222222222222222222222222" } as const;

const root = (name: string): Hex => keccak256(toBytes(name));
const other = "0x1111111111111111111111111111111111111111";
/** Far enough for a test that shows the message to the market; all 40 bits would do as well. */
const expiry = 4_000_000_000;

/** Every field differs from its neighbours, and the widest ones are filled, so that no two can be mixed up unseen. */
const messages: Messages = {
  Request: {
    requester: signer.address,
    nonce: 18_446_744_073_709_551_615n,
    programRoot: root("program root"),
    dataRoot: root("data root"),
    programCid: root("program cid"),
    dataCid: root("data cid"),
    startRoot: root("start root"),
    startStep: 101,
    parentRoot: root("parent root"),
    parentIndex: 102,
    seed: 103n,
    numerics: 1,
    executor: 0,
    access: 0,
    replicas: 2,
    steps: 4_294_967_295,
    interval: 104,
    initUnits: 105n,
    stepUnits: 106n,
    evalUnits: 107n,
    runTime: 108,
    expiry,
    exclusiveUntil: 109,
    matcher: other,
    matcherFee: 110n,
    maximum: 340_282_366_920_938_463_463_374_607_431_768_211_455n,
    auditLine: 111n,
    minCollateral: 112n,
    statedLoss: 113n,
    maxProtocolFeeBps: 114,
    constraintsHash: root("constraints"),
  },
  Acceptance: {
    requestDigest: root("request digest"),
    provider: signer.address,
    unitPrice: 2n ** 256n - 1n,
    collateral: 201n,
    nonce: 202n,
    expiry,
    paramsVersion: 203,
  },
  Submission: {
    jobId: root("job"),
    checkpoint: 301,
    prefixRoot: root("prefix root"),
    stateRoot: root("state root"),
    modelRoot: root("model root"),
    evalRoot: root("eval root"),
    modelCid: root("model cid"),
  },
  SignOff: { jobId: root("job"), traceRoot: root("trace root") },
  Offer: {
    provider: signer.address,
    nonce: 401n,
    unitPrice: 402n,
    maxCollateral: 403n,
    maxStatedLoss: 404n,
    unitsPerSecond: 405n,
    capacity: 406,
    descriptionHash: root("description"),
    expiry,
  },
};

async function vectorOf<T extends MessageType>(primaryType: T) {
  const message = messages[primaryType];
  const structHash = hashStruct({
    data: message as unknown as Record<string, unknown>,
    primaryType,
    types: TYPES as unknown as Record<string, { name: string; type: string }[]>,
  });
  return {
    message,
    structHash,
    digest: digestOf(domain, primaryType, message),
    signature: await signer.signTypedData(typedData(domain, primaryType, message)),
  };
}

const types = Object.keys(messages) as MessageType[];
const vectors = await Promise.all(types.map(async (type) => [type, await vectorOf(type)] as const));
const content = { domain, key, signer: signer.address, vectors: Object.fromEntries(vectors) };
const decimal = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
emit("services/protocol/vectors/eip712.json", `${JSON.stringify(content, decimal, 2)}\n`);
