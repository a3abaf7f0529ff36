/** Jobs that were agreed through a market, and the receipts of their providers. */
import type { Offer, Request, Submission } from "@assay/protocol/domain/messages";
import { typedData } from "@assay/protocol/signing/typed-data";
import type { SignedReceipt } from "@assay/protocol/wire/api";
import type { ConstraintsWire } from "@assay/protocol/wire/description";
import { keccak256, stringToBytes, zeroHash, type Hex, type LocalAccount } from "viem";
import { call, domainOf, events, makeOffer, makeRequest, ok, startAgent, until } from "./actors.ts";
import type { TestChain } from "./chain.ts";

/** A market at a URL, and the chain below it. */
export interface Place {
  readonly url: string;
  readonly chain: TestChain;
  readonly requester: LocalAccount;
  readonly inputs: { readonly programCid: Hex; readonly dataCid: Hex };
}

/** A job that this provider has agreed to; its agent is gone afterwards. */
export const agreedBy = async (
  { url, chain, requester, inputs }: Place,
  account: LocalAccount,
  change: {
    readonly request?: Partial<Request>;
    readonly offer?: Partial<Offer>;
    readonly constraints?: ConstraintsWire;
  } = {},
): Promise<{ jobId: Hex; request: Hex }> => {
  const { digest: _, ...offer } = await makeOffer(chain, account, {
    capacity: 16,
    ...change.offer,
  });
  ok(await call(url, "POST", "/v1/offers", { body: offer }));
  const agent = await startAgent(url, chain, account);
  const signed = await makeRequest(
    chain,
    requester,
    { ...inputs, ...change.request },
    change.constraints,
  );
  const { digest, ...body } = signed;
  ok(await call(url, "POST", "/v1/requests", { body }));
  const proposal = await until(agent.proposals, ({ requestDigest }) => requestDigest === digest);
  const { answer, jobId } = await agent.accept(proposal, {
    // The chain's time may run ahead of the clock's.
    expiry: 2 ** 39,
  });
  ok(answer);
  const followed = events(`${url}/v1/requests/${digest}/events`, {}, AbortSignal.timeout(240_000));
  await until(followed, ({ event }) => event === "job");
  agent.leave();
  return { jobId, request: digest };
};

const root = (name: string): Hex => keccak256(stringToBytes(name));

/** A receipt for a checkpoint, the first unless told, with made-up roots. */
export const receiptOf = async (
  chain: TestChain,
  signer: LocalAccount,
  change: Partial<Submission>,
): Promise<SignedReceipt> => {
  const submission: Submission = {
    jobId: zeroHash,
    checkpoint: 1,
    prefixRoot: root("prefix"),
    stateRoot: root("state"),
    modelRoot: root("model"),
    evalRoot: zeroHash,
    modelCid: root("file"),
    ...change,
  };
  const signature = await signer.signTypedData(
    typedData(domainOf(chain), "Submission", submission),
  );
  return { submission, signature };
};

/** Another result than that of {@link receiptOf}. */
export const OTHER_ROOT = root("another state");
