/** Requesters and provider agents that talk to a market over HTTP only, as strangers' programs would. */
import { digestOf, typedData } from "@assay/protocol/signing/typed-data";
import type { Acceptance, Offer, Request } from "@assay/protocol/domain/messages";
import { problemSchema, proposalSchema, type Proposal } from "@assay/protocol/wire/api";
import {
  canonicalHash,
  constraintsSchema,
  descriptionSchema,
  type ConstraintsWire,
} from "@assay/protocol/wire/description";
import { toWire } from "@assay/protocol/wire/scalars";
import { contentStore } from "@assay/storage/content";
import { digestOf as cidDigest } from "@assay/storage/cid";
import { gatewayBlocks } from "@assay/storage/gateway";
import { EventSourceParserStream } from "eventsource-parser/stream";
import { keccak256, stringToBytes, zeroAddress, zeroHash, type Hex, type LocalAccount } from "viem";
import { createSiweMessage } from "viem/siwe";
import type { TestChain } from "./chain.ts";

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export const call = async (
  url: string,
  method: string,
  path: string,
  { body, token }: { readonly body?: unknown; readonly token?: string } = {},
): Promise<Answer> => {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(toWire(body)) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
};

/** Body of a good answer; fails the test with the market's own words otherwise. */
export const ok = ({ status, body }: Answer): unknown => {
  if (status < 300) return body;
  const problem = problemSchema.safeParse(body);
  throw new Error(
    problem.success ? `${problem.data.code}: ${problem.data.detail}` : `status ${status}`,
  );
};

export const codeOf = ({ body }: Answer): string | undefined =>
  problemSchema.safeParse(body).data?.code;

export interface SseEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
}

/** Events of a stream until it ends or `signal` aborts it. */
export async function* events(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): AsyncGenerator<SseEvent> {
  const response = await fetch(url, { headers, signal });
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
  const parsed = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { id, event, data } of parsed) {
    if (event === "end") return;
    yield { id, event: event ?? "message", data: JSON.parse(data) as unknown };
  }
}

export const domainOf = ({ deployment }: TestChain) => ({
  chainId: deployment.chainId,
  market: deployment.contracts.market,
});

export const now = (): number => Math.floor(Date.now() / 1_000);

export const DESCRIPTION = descriptionSchema.parse({
  name: "bench",
  hardware: { class: "cpu", cpuCores: 8, ramGiB: 32, diskGiB: 100 },
  region: "eu-west",
  executors: ["tensor"],
});

let nonce = BigInt(Date.now());

export const makeOffer = async (
  chain: TestChain,
  provider: LocalAccount,
  change: Partial<Offer> = {},
  description = DESCRIPTION,
) => {
  const offer: Offer = {
    provider: provider.address,
    nonce: nonce++,
    unitPrice: 10n ** 12n,
    maxCollateral: 10n ** 12n,
    maxStatedLoss: 10n ** 12n,
    unitsPerSecond: 1_000_000n,
    capacity: 1,
    descriptionHash: canonicalHash(description),
    expiry: now() + 3_600,
    ...change,
  };
  const signature = await provider.signTypedData(typedData(domainOf(chain), "Offer", offer));
  return { offer, description, signature, digest: digestOf(domainOf(chain), "Offer", offer) };
};

/** Uploads two small files and returns the digests of their CIDs. */
export const uploadInputs = async (url: string) => {
  const store = contentStore(gatewayBlocks({ url }));
  const [program, data] = await Promise.all(
    ["a program", "some data"].map((text) => store.putFile(stringToBytes(text))),
  );
  if (program === undefined || data === undefined) throw new Error("two files, two CIDs");
  return { programCid: cidDigest(program), dataCid: cidDigest(data) };
};

export const makeRequest = async (
  chain: TestChain,
  requester: LocalAccount,
  change: Partial<Request>,
  constraintsWire: ConstraintsWire = {},
) => {
  const constraints = constraintsSchema.parse(constraintsWire);
  const request: Request = {
    requester: requester.address,
    nonce: nonce++,
    programRoot: keccak256("0x01"),
    dataRoot: keccak256("0x02"),
    programCid: zeroHash,
    dataCid: zeroHash,
    startRoot: zeroHash,
    startStep: 0,
    parentRoot: zeroHash,
    parentIndex: 0,
    seed: 7n,
    numerics: 1,
    executor: 0,
    access: 0,
    replicas: 1,
    steps: 100,
    interval: 10,
    initUnits: 1_000n,
    stepUnits: 10_000n,
    evalUnits: 500n,
    runTime: 600,
    expiry: now() + 600,
    exclusiveUntil: 0,
    matcher: zeroAddress,
    matcherFee: 0n,
    maximum: 10n ** 7n,
    auditLine: 0n,
    minCollateral: 0n,
    statedLoss: 0n,
    maxProtocolFeeBps: 1_000,
    constraintsHash: canonicalHash(constraints),
    ...change,
  };
  const signature = await requester.signTypedData(typedData(domainOf(chain), "Request", request));
  return {
    request,
    constraints,
    signature,
    digest: digestOf(domainOf(chain), "Request", request),
  };
};

export const openSession = async (
  url: string,
  chain: TestChain,
  account: LocalAccount,
  provider?: string,
): Promise<string> => {
  const { nonce: fresh } = ok(await call(url, "POST", "/v1/nonces")) as { nonce: string };
  const message = createSiweMessage({
    address: account.address,
    domain: new URL(url).host,
    uri: url,
    version: "1",
    chainId: chain.deployment.chainId,
    nonce: fresh,
  });
  const signature = await account.signMessage({ message });
  const body = { message, signature, ...(provider === undefined ? {} : { provider }) };
  const { token } = ok(await call(url, "POST", "/v1/sessions", { body })) as { token: string };
  return token;
};

export interface Agent {
  readonly token: string;
  /** Proposals as they come. */
  readonly proposals: AsyncGenerator<Proposal>;
  accept(proposal: Proposal, change?: Partial<Acceptance>): Promise<{ answer: Answer; jobId: Hex }>;
  refuse(proposal: Proposal, code?: string): Promise<Answer>;
  leave(): void;
}

/** Signs in and listens. */
export const startAgent = async (
  url: string,
  chain: TestChain,
  account: LocalAccount,
): Promise<Agent> => {
  const token = await openSession(url, chain, account);
  const abort = new AbortController();
  const stream = events(`${url}/v1/proposals`, { authorization: `Bearer ${token}` }, abort.signal);
  async function* proposals(): AsyncGenerator<Proposal> {
    for await (const { event, data } of stream)
      if (event === "proposal") yield proposalSchema.parse(data);
  }
  return {
    token,
    proposals: proposals(),
    async accept(proposal, change = {}) {
      const acceptance: Acceptance = {
        requestDigest: proposal.requestDigest,
        provider: account.address,
        unitPrice: proposal.unitPrice,
        collateral: proposal.collateral,
        nonce: nonce++,
        expiry: now() + 300,
        paramsVersion: 1,
        ...change,
      };
      const signature = await account.signTypedData(
        typedData(domainOf(chain), "Acceptance", acceptance),
      );
      const answer = await call(url, "POST", `/v1/proposals/${proposal.id}/acceptance`, {
        body: { acceptance, signature },
      });
      return { answer, jobId: digestOf(domainOf(chain), "Acceptance", acceptance) };
    },
    refuse: (proposal, code = "DISK_FULL") =>
      call(url, "POST", `/v1/proposals/${proposal.id}/refusal`, {
        token,
        body: { code, reason: "No room for the data." },
      }),
    leave: () => abort.abort(),
  };
};

/** The next value; fails the test when the stream has ended. */
export const next = async <T>(stream: AsyncIterator<T>): Promise<T> => {
  const { value, done } = await stream.next();
  if (done === true) throw new Error("the stream ended");
  return value;
};

/** First value for which `wanted` holds. */
export const until = async <T>(
  stream: AsyncIterator<T>,
  wanted: (value: T) => boolean,
): Promise<T> => {
  for (;;) {
    const value = await next(stream);
    if (wanted(value)) return value;
  }
};
