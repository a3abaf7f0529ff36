/** Sends transactions of an account that other programs may send from at the same time. */
import {
  BaseError,
  NonceTooHighError,
  NonceTooLowError,
  TransactionNotFoundError,
  keccak256,
  type Address,
  type Hex,
  type PublicClient,
  type WalletClient,
} from "viem";
import { isTransportError } from "@assay/protocol/chain/contract-errors";
import { AssayError } from "@assay/protocol/errors";
import { signerOf, type AssayContext } from "../context.ts";

const ATTEMPTS = 8;
const FIRST_PAUSE_MS = 100;

/** Whether the node refused a transaction because another one has its place. */
const isNonceTaken = (error: unknown): boolean =>
  error instanceof BaseError &&
  (error.walk((one) => one instanceof NonceTooLowError || one instanceof NonceTooHighError) !==
    null ||
    /nonce too (low|high)|replacement transaction underpriced|already known/i.test(error.message));

export interface Transaction {
  /** Of the contract's function, for errors. */
  readonly name: string;
  readonly to: Address;
  readonly data: Hex;
  readonly gas: bigint;
}

/** A transaction that is signed and perhaps sent, and of which the node does not say what became of it. */
export const uncertain = (name: string, hash: Hex, cause: unknown): AssayError =>
  new AssayError("TRANSACTION_NOT_MINED", `${name} was sent and is not known to be mined`, {
    remedy: `look for transaction ${hash} before you try again: it may still be mined`,
    details: { hash },
    cause,
  });

const pause = (attempt: number): Promise<void> =>
  new Promise((resolve) =>
    setTimeout(resolve, FIRST_PAUSE_MS * 2 ** attempt * (0.5 + Math.random())),
  );

/** Whether the node has a transaction, mined or waiting. */
const isKnown = async (client: PublicClient, hash: Hex): Promise<boolean> => {
  try {
    await client.getTransaction({ hash });
    return true;
  } catch (error) {
    if (error instanceof TransactionNotFoundError) return false;
    throw error;
  }
};

/** One try; undefined where the nonce was taken meanwhile by a transaction other than this one. */
const tryOnce = async (
  client: PublicClient,
  { account, signTransaction, prepareTransactionRequest }: WalletClient,
  { name, ...transaction }: Transaction,
): Promise<Hex | undefined> => {
  if (account?.type !== "local") return undefined;
  const prepared = await prepareTransactionRequest({ ...transaction, account, chain: null });
  const serialized = await signTransaction({ ...prepared, account, chain: null });
  const hash = keccak256(serialized);
  for (let attempt = 0; ; attempt++) {
    try {
      await client.sendRawTransaction({ serializedTransaction: serialized });
      return hash;
    } catch (error) {
      try {
        // A node may report an error for a transaction that it has taken, and may even have mined.
        if (await isKnown(client, hash)) return hash;
      } catch (unanswered) {
        if (attempt + 1 === ATTEMPTS || !isTransportError(unanswered))
          throw uncertain(name, hash, unanswered);
      }
      if (isNonceTaken(error)) return undefined;
      if (!isTransportError(error)) throw error;
      if (attempt + 1 === ATTEMPTS) throw uncertain(name, hash, error);
      // The same bytes again: however often they arrive, they are one transaction.
      await pause(attempt);
    }
  }
};

/**
 * Signs and sends; where another program of the same account was quicker with the nonce, signs again with the next one. A wallet
 * elsewhere chooses its nonces itself. @throws `TRANSACTION_NOT_MINED` where the node falls silent
 */
export const send = async (context: AssayContext, transaction: Transaction): Promise<Hex> => {
  const { wallet, account } = signerOf(context);
  if (account.type === "local") {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const hash = await tryOnce(context.publicClient, wallet, transaction);
      if (hash !== undefined) return hash;
      await pause(attempt);
    }
  }
  const { to, data, gas } = transaction;
  return wallet.sendTransaction({ to, data, gas, account, chain: null });
};
