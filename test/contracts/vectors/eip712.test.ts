import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { TYPES, type MessageType } from "@assay/protocol/signing/typed-data";
import file from "@assay/protocol/vectors/eip712.json" with { type: "json" };
import { TypedDataEncoder, verifyTypedData } from "ethers";
import { hashTypedData, recoverTypedDataAddress, type Hex } from "viem";

import { deployFixture, type Fixture } from "../support/market.ts";

const domain = {
  name: "Assay",
  version: "1",
  chainId: file.domain.chainId,
  verifyingContract: file.domain.market,
} as const;

/** Function of the market that gives the digest of each message. */
const DIGESTS: Readonly<Record<MessageType, string>> = {
  Request: "requestDigest",
  Acceptance: "acceptanceDigest",
  Submission: "submissionDigest",
  SignOff: "signOffDigest",
  Offer: "offerDigest",
};

const cases = Object.entries(file.vectors) as [MessageType, (typeof file.vectors)[MessageType]][];
const ethersTypes = (type: MessageType) => ({ [type]: [...TYPES[type]] });
const viemData = (type: MessageType, message: object) =>
  ({ domain, types: TYPES, primaryType: type, message }) as unknown as Parameters<
    typeof hashTypedData
  >[0];

describe("EIP-712 vectors", () => {
  let fixture: Fixture;
  let market: Fixture["market"];

  before(async () => {
    fixture = await deployFixture();
    // The digests depend on where the market is: the vectors' one gets the code of a real one.
    const code = await fixture.ethers.provider.getCode(await fixture.market.getAddress());
    await fixture.connection.networkHelpers.setCode(file.domain.market, code);
    market = fixture.market.attach(file.domain.market) as Fixture["market"];
  });
  after(() => fixture.connection.close());

  it("cover every signed type", () => {
    assert.deepEqual(Object.keys(file.vectors).sort(), Object.keys(TYPES).sort());
  });

  for (const [type, { message, structHash, digest, signature }] of cases) {
    it(`${type}: Solidity, ethers and viem make the same digest`, async () => {
      assert.equal(await market.getFunction(DIGESTS[type])(message), digest);
      assert.equal(TypedDataEncoder.hashStruct(type, ethersTypes(type), message), structHash);
      assert.equal(TypedDataEncoder.hash(domain, ethersTypes(type), message), digest);
      assert.equal(hashTypedData(viemData(type, message)), digest);
    });

    it(`${type}: the signature is the signer's in ethers and viem`, async () => {
      assert.equal(verifyTypedData(domain, ethersTypes(type), message, signature), file.signer);
      const recovered = await recoverTypedDataAddress({
        ...viemData(type, message),
        signature: signature as Hex,
      });
      assert.equal(recovered, file.signer);
    });
  }

  it("the market accepts the request's signature, and refuses one changed bit", async () => {
    const { message, signature } = file.vectors.Request;
    await market.getFunction("announce")(message, signature);
    const changed = `${signature.slice(0, -4)}${signature.at(-4) === "0" ? "1" : "0"}${signature.slice(-3)}`;
    await assert.rejects(market.getFunction("announce")(message, changed), /MarketBadSignature/);
  });
});
