import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keccak256, toHex, type Hex } from "viem";
import { generatePrivateKey, privateKeyToAccount, sign } from "viem/accounts";
import { isAssayError } from "@assay/protocol/errors";
import type { ChainReads } from "./chain.ts";
import { recoverAddress, requireSigned, requireSignedForProvider } from "./signatures.ts";

const ORDER = BigInt("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");

/** A chain on which there are only the operators and wallets named. */
const chainWith = ({
  operators = [],
  wallets = [],
}: {
  operators?: readonly string[];
  wallets?: readonly string[];
}): ChainReads =>
  ({
    isOperator: (provider: string, operator: string) =>
      Promise.resolve(operators.includes(`${provider} ${operator}`)),
    contractAccepts: (signer: string) => Promise.resolve(wallets.includes(signer)),
  }) as unknown as ChainReads;

const signed = async (place: number) => {
  const privateKey = generatePrivateKey();
  const digest = keccak256(toHex(place));
  const signature = await sign({ hash: digest, privateKey, to: "hex" });
  return { digest, signature, address: privateKeyToAccount(privateKey).address };
};

describe("recoverAddress", () => {
  test("default: the address that viem signed with", async () => {
    for (let place = 0; place < 16; place++) {
      const { digest, signature, address } = await signed(place);
      assert.equal(recoverAddress(digest, signature), address);
    }
  });

  test("behavior: the malleable twin, other lengths and nonsense are no signatures", async () => {
    const { digest, signature } = await signed(1);
    const r = signature.slice(2, 66);
    const s = ORDER - BigInt(`0x${signature.slice(66, 130)}`);
    const v = signature.endsWith("1b") ? "1c" : "1b";
    const twin: Hex = `0x${r}${s.toString(16).padStart(64, "0")}${v}`;
    assert.equal(recoverAddress(digest, twin), undefined);
    assert.equal(recoverAddress(digest, signature.slice(0, -2) as Hex), undefined);
    assert.equal(recoverAddress(digest, `0x${"00".repeat(65)}`), undefined);
    assert.equal(recoverAddress(digest, `0x${"ff".repeat(65)}`), undefined);
  });
});

describe("requireSigned", () => {
  test("behavior: another's signature passes only for a contract that accepts it", async () => {
    const { digest, signature } = await signed(1);
    const { address: other } = await signed(2);
    await assert.rejects(requireSigned(chainWith({}), other, digest, signature), (error) =>
      isAssayError(error, "SIGNATURE_INVALID"),
    );
    await requireSigned(chainWith({ wallets: [other] }), other, digest, signature);
  });

  test("behavior: an operator signs for its provider, and for no other", async () => {
    const { digest, signature, address: operator } = await signed(1);
    const [{ address: staker }, { address: stranger }] = [await signed(2), await signed(3)];
    const chain = chainWith({ operators: [`${staker} ${operator}`] });
    await requireSignedForProvider(chain, staker, digest, signature);
    await assert.rejects(requireSignedForProvider(chain, stranger, digest, signature), (error) =>
      isAssayError(error, "SIGNATURE_INVALID"),
    );
    await assert.rejects(requireSigned(chain, staker, digest, signature));
  });
});
