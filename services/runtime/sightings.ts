/** What a node has of a transaction; not having it is an answer, not an error. */
import {
  TransactionNotFoundError,
  TransactionReceiptNotFoundError,
  BaseError,
  type Hex,
  type PublicClient,
  type TransactionReceipt,
} from "viem";

/** Mined or waiting. */
export const hasTransaction = async (client: PublicClient, hash: Hex): Promise<boolean> =>
  (await unlessAbsent(() => client.getTransaction({ hash }), TransactionNotFoundError)) !==
  undefined;

export const receiptOf = (
  client: PublicClient,
  hash: Hex,
): Promise<TransactionReceipt | undefined> =>
  unlessAbsent(() => client.getTransactionReceipt({ hash }), TransactionReceiptNotFoundError);

const unlessAbsent = async <T>(
  question: () => Promise<T>,
  absence: typeof TransactionNotFoundError | typeof TransactionReceiptNotFoundError,
): Promise<T | undefined> => {
  try {
    return await question();
  } catch (error) {
    if (error instanceof BaseError && error.walk((one) => one instanceof absence)) return undefined;
    throw error;
  }
};
