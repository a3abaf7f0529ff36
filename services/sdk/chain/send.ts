/** Sends transactions of an account that other programs may send from at the same time. */
import {
  BaseError,
  NonceTooHighError,
  NonceTooLowError,
  keccak256,
  type Address,
  type Hex,
  type PublicClient,
  type WalletClient,
} from "viem";
import { signerOf, type AssayContext } from "../context.ts";

const ATTEMPTS = 8;
const FIRST_PAUSE_MS = 100;

/** Whether the node refused a transaction because another one has its place. */
const isNonceTaken = (error: unknown): boolean =>
  error instanceof BaseError &&
  (error.walk((one) => one instanceof NonceTooLowError || one instanceof NonceTooHighError) !==
    null ||
    /nonce too (low|high)|replacement transaction underpriced|already known/i.test(error.message));

interface Transaction {
  readonly to: Address;
  readonly data: Hex;
  readonly gas: bigint;
}

/** One try; undefined where the nonce was taken meanwhile by a transaction other than this one. */
const tryOnce = async (
  client: PublicClient,
  { account, signTransaction, prepareTransactionRequest }: WalletClient,
  transaction: Transaction,
): Promise<Hex | undefined> => {
  if (account?.type !== "local") return undefined;
  const prepared = await prepareTransactionRequest({ ...transaction, account, chain: null });
  const serialized = await signTransaction({ ...prepared, account, chain: null });
  const hash = keccak256(serialized);
  try {
    await client.sendRawTransaction({ serializedTransaction: serialized });
  } catch (error) {
    if (!isNonceTaken(error)) throw error;
    // The same bytes may have arrived before, when the answer to them was lost.
    const known = await client.getTransaction({ hash }).catch(() => undefined);
    if (known === undefined) return undefined;
  }
  return hash;
};

/**
 * Signs and sends; where another program of the same account was quicker with the nonce, signs again with the next one. A wallet
 * elsewhere chooses its nonces itself.
 */
export const send = async (context: AssayContext, transaction: Transaction): Promise<Hex> => {
  const { wallet, account } = signerOf(context);
  if (account.type === "local") {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const hash = await tryOnce(context.publicClient, wallet, transaction);
      if (hash !== undefined) return hash;
      const pause = FIRST_PAUSE_MS * 2 ** attempt * (0.5 + Math.random());
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return wallet.sendTransaction({ ...transaction, account, chain: null });
};
