/** Who signed: native secp256k1 for keys, the chain for contract wallets. */
import { AssayError } from "@assay/protocol/errors";
import { keccak256, getAddress, hexToBytes, isAddressEqual, type Address, type Hex } from "viem";
import secp256k1 from "secp256k1";
import type { ChainReads } from "./chain.ts";

/** The address whose key made this 65-byte signature; undefined if it is none. */
export const recoverAddress = (digest: Hex, signature: Hex): Address | undefined => {
  if (signature.length !== 132) return undefined;
  const bytes = hexToBytes(signature);
  const last = bytes[64] as number;
  const recovery = last >= 27 ? last - 27 : last;
  if (recovery > 1) return undefined;
  const body = bytes.subarray(0, 64);
  // Half of all valid-looking signatures are the malleable twins, which the contract refuses too.
  if (!isLowS(body)) return undefined;
  try {
    const key = secp256k1.ecdsaRecover(body, recovery, hexToBytes(digest), false);
    return getAddress(`0x${keccak256(key.subarray(1)).slice(-40)}`);
  } catch {
    return undefined;
  }
};

const HALF_ORDER = BigInt("0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
const isLowS = (body: Uint8Array): boolean =>
  BigInt(`0x${Buffer.from(body.subarray(32)).toString("hex")}`) <= HALF_ORDER;

/** Passes where `signer` itself signed: by key or, as a contract, by ERC-1271. Else `SIGNATURE_INVALID`. */
export const requireSigned = async (
  chain: ChainReads,
  signer: Address,
  digest: Hex,
  signature: Hex,
): Promise<void> => {
  const recovered = recoverAddress(digest, signature);
  if (recovered !== undefined && isAddressEqual(recovered, signer)) return;
  if (await chain.contractAccepts(signer, digest, signature)) return;
  throw notSigned(signer, recovered);
};

/** As {@link requireSigned}, but one of the provider's operator keys may sign too. */
export const requireSignedForProvider = async (
  chain: ChainReads,
  provider: Address,
  digest: Hex,
  signature: Hex,
): Promise<void> => {
  const recovered = recoverAddress(digest, signature);
  if (recovered !== undefined) {
    if (isAddressEqual(recovered, provider)) return;
    if (await chain.isOperator(provider, recovered)) return;
  }
  if (await chain.contractAccepts(provider, digest, signature)) return;
  throw notSigned(provider, recovered);
};

const notSigned = (signer: Address, recovered: Address | undefined): AssayError =>
  new AssayError("SIGNATURE_INVALID", `This is not a signature of ${signer} over the message.`, {
    remedy:
      "Sign with that account, for the chain and market contract that GET /v1/deployment names.",
    details: { signer, recovered },
  });
