/**
 * What a deployment has signed, written down before the chain hears of it: a deployment killed between the two knows on its
 * next run what it may have sent, and does not send it twice.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { trackTransaction } from "@nomicfoundation/ignition-core";
import { type JsonRpcProvider, Transaction } from "ethers";

import type { SigningProvider } from "./provider.ts";

export interface SentTransaction {
  /** Ignition module that it belongs to. */
  readonly module: string;
  /** Signed, as it goes to the chain. */
  readonly raw: string;
}

/** Ignition's errors about a transaction that it has recorded, or has even gone on from. */
const RECORDED: readonly unknown[] = [11303, 11304];

const fileOf = (journal: string): string => join(journal, "sent.jsonl");

export const recordSent = (journal: string, sent: SentTransaction): void => {
  mkdirSync(dirname(fileOf(journal)), { recursive: true });
  appendFileSync(fileOf(journal), `${JSON.stringify(sent)}\n`, { flush: true });
};

/** In the order of their nonces. A last line that was cut off was never sent. */
export const readSent = (journal: string): SentTransaction[] => {
  if (!existsSync(fileOf(journal))) return [];
  const lines = readFileSync(fileOf(journal), "utf8").split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line) as SentTransaction);
};

/**
 * Brings the last transaction that was written down to its end, sending it once more where the chain does not know it, and tells
 * Ignition of it where its own journal does not have it.
 */
export const finishLast = async (
  journal: string,
  rpc: JsonRpcProvider,
  provider: SigningProvider,
): Promise<void> => {
  const last = readSent(journal).at(-1);
  if (last === undefined) return;
  const { hash, nonce, from } = Transaction.from(last.raw);
  if (hash === null || from === null) return;
  if ((await rpc.getTransaction(hash)) === null) {
    // Another transaction has its place: this one can never be mined, and what was planned on its nonce fails a later check.
    if ((await rpc.getTransactionCount(from)) > nonce) return;
    await rpc.broadcastTransaction(last.raw);
  }
  await rpc.waitForTransaction(hash);
  try {
    await trackTransaction(join(journal, last.module), hash, provider);
  } catch (error) {
    const { number } = error as { readonly number?: unknown };
    if (!RECORDED.includes(number)) throw error;
  }
};
