/**
 * Sends transactions of one account: in nonce order, with fees raised while they are stuck, waiting for receipts. Make one
 * sender per account and process; two would race for nonces.
 */
import { AssayError } from "@assay/protocol/errors";
import { setTimeout as sleep } from "node:timers/promises";
import {
  encodeFunctionData,
  keccak256,
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type EncodeFunctionDataParameters,
  type Hex,
  type LocalAccount,
  type PublicClient,
  type TransactionReceipt,
} from "viem";
import {
  contractError,
  isTransportError,
  revertDataOf,
} from "@assay/protocol/chain/contract-errors";
import { MORE_GAS, gasLimit, ranOut } from "@assay/protocol/chain/gas";
import { atLeast, feesNow, raised, type Fees } from "./fees.ts";
import type { Logger } from "./logger.ts";
import { reasonOf, refusalOf, revertedWithoutReason } from "./refusals.ts";
import { retry } from "./retry.ts";
import { hasTransaction, receiptOf } from "./sightings.ts";

type Mutability = "nonpayable" | "payable";

export interface Call<
  A extends Abi | readonly unknown[],
  F extends ContractFunctionName<A, Mutability>,
> {
  readonly to: Address;
  readonly abi: A;
  readonly functionName: F;
  readonly args: ContractFunctionArgs<A, Mutability, F>;
  /** Two sends with one key are one transaction. */
  readonly key: string;
}

export interface SentTransaction {
  readonly hash: Hex;
  readonly receipt: TransactionReceipt;
}

/** What was signed for a key: enough to go on after a restart without sending twice. */
export interface TransactionAttempt {
  readonly nonce: number;
  readonly hashes: readonly Hex[];
}

/** Where attempts are kept across restarts. */
export interface TransactionJournal {
  load(key: string): Promise<TransactionAttempt | undefined>;
  save(key: string, attempt: TransactionAttempt): Promise<void>;
}

export interface TransactionSenderOptions {
  readonly account: LocalAccount;
  readonly client: PublicClient;
  readonly logger: Logger;
  /** Errors of further contracts that a call may bubble up. */
  readonly errorAbi?: Abi;
  readonly journal?: TransactionJournal;
  /** Milliseconds without a receipt after which fees are raised. */
  readonly stuckAfter?: number;
  /** Milliseconds after which an unmined transaction is reported as `TRANSACTION_NOT_MINED`. */
  readonly giveUpAfter?: number;
  /** Most milliseconds between two looks for a receipt. */
  readonly pollInterval?: number;
  readonly signal?: AbortSignal;
}

export interface TransactionSender {
  readonly address: Address;
  /**
   * Sends and waits for the receipt. Throws the contract's own error (`MARKET_ABOVE_MAXIMUM`, …), or `GAS_FUNDS_MISSING`,
   * `TRANSACTION_NOT_MINED`, `CHAIN_UNREACHABLE` (the last two retryable with the same key).
   */
  send<const A extends Abi | readonly unknown[], F extends ContractFunctionName<A, Mutability>>(
    call: Call<A, F>,
  ): Promise<SentTransaction>;
}

interface Prepared {
  readonly key: string;
  readonly name: string;
  readonly to: Address;
  readonly data: Hex;
  readonly abi: Abi;
}

interface Attempt {
  readonly nonce: number;
  readonly hashes: Hex[];
  /** Absent for an attempt that a former process made. */
  gas?: bigint;
  fees?: Fees;
}

const REMEMBERED = 4_096;

export const createTransactionSender = ({
  account,
  client,
  logger,
  errorAbi = [],
  journal,
  stuckAfter = 15_000,
  giveUpAfter = 600_000,
  pollInterval = 1_000,
  signal,
}: TransactionSenderOptions): TransactionSender => {
  const known = new Map<string, Promise<SentTransaction>>();
  let lane: Promise<unknown> = Promise.resolve();
  let nextNonce: number | undefined;
  let inFlight = 0;
  let chainId: Promise<number> | undefined;

  const onTransport = { isRetryable: isTransportError, signal };
  const ask = <T>(question: () => Promise<T>): Promise<T> =>
    retry(question, onTransport).catch((error: unknown) => {
      if (!isTransportError(error)) throw error;
      throw new AssayError("CHAIN_UNREACHABLE", "The chain does not answer.", {
        remedy: "Check the RPC URL and that the node runs.",
        retryable: true,
        cause: error,
      });
    });

  const inOrder = <T>(action: () => Promise<T>): Promise<T> => {
    const run = lane.then(action);
    lane = run.catch(() => undefined);
    return run;
  };

  /** Whether the node has any of the attempt's transactions, mined or waiting. */
  const isKnown = async ({ hashes }: Attempt): Promise<boolean> => {
    for (const hash of hashes) if (await ask(() => hasTransaction(client, hash))) return true;
    return false;
  };

  const minedReceipt = async (attempt: Attempt): Promise<TransactionReceipt | undefined> => {
    for (const hash of attempt.hashes) {
      const receipt = await ask(() => receiptOf(client, hash));
      if (receipt) return receipt;
    }
    return undefined;
  };

  const estimateGas = async (call: Prepared): Promise<bigint> => {
    try {
      const gas = await ask(() =>
        client.estimateGas({ account: account.address, ...target(call) }),
      );
      return gasLimit(gas);
    } catch (error) {
      throw explain(error, call);
    }
  };

  const explain = (error: unknown, call: Prepared): unknown =>
    refusalOf(error, { sender: account.address, name: call.name, abi: [...call.abi, ...errorAbi] });

  const currentFees = (): Promise<Fees> => ask(() => feesNow(client));

  /** Signs with the attempt's nonce, records the hash before it can be seen, and sends. */
  const broadcast = async (call: Prepared, attempt: Attempt): Promise<void> => {
    chainId ??= client.getChainId().catch((error: unknown) => {
      chainId = undefined;
      throw error;
    });
    const id = await ask(() => chainId ?? client.getChainId());
    const { gas, fees } = attempt;
    if (gas === undefined || fees === undefined)
      throw new Error("an attempt is priced before it is sent");
    const serialized = await account.signTransaction({
      type: "eip1559",
      chainId: id,
      nonce: attempt.nonce,
      gas,
      ...fees,
      ...target(call),
    });
    const hash = keccak256(serialized);
    if (!attempt.hashes.includes(hash)) attempt.hashes.push(hash);
    await journal?.save(call.key, attempt);
    await retry(
      () => client.sendRawTransaction({ serializedTransaction: serialized }),
      onTransport,
    );
  };

  /** Takes the next nonce and sends; resolves once the node has the transaction or may have it. */
  const start = async (call: Prepared, gasFactor = 1n): Promise<Attempt> => {
    const gas = (await estimateGas(call)) * gasFactor;
    let fees = await currentFees();
    // Nothing of ours waits: the chain knows best, also after a reorganisation that took some of our transactions.
    if (inFlight === 0) nextNonce = undefined;
    for (let tries = 1; ; tries++) {
      nextNonce ??= await ask(() =>
        client.getTransactionCount({
          address: account.address,
          blockTag: "pending",
        }),
      );
      const attempt: Attempt = { nonce: nextNonce, hashes: [], gas, fees };
      try {
        await broadcast(call, attempt);
        nextNonce++;
        return attempt;
      } catch (error) {
        const reason = reasonOf(error);
        // A node may report an error for a transaction that it has taken, and may even have mined.
        if (reason === "known" || isTransportError(error) || (await isKnown(attempt))) {
          nextNonce++;
          return attempt;
        }
        if (tries >= 6) throw explain(error, call);
        if (reason === "nonce") {
          nextNonce = undefined;
          // The node that answered may be a little behind the one that refused.
          await sleep(50 * tries, undefined, signal ? { signal } : {});
        } else if (reason === "underpriced") fees = raised(fees);
        else {
          nextNonce = undefined;
          throw explain(error, call);
        }
        logger.debug({ key: call.key, reason }, "sending again");
      }
    }
  };

  const speedUp = async (call: Prepared, attempt: Attempt): Promise<void> => {
    const current = await currentFees();
    attempt.gas ??= await estimateGas(call);
    attempt.fees = atLeast(raised(attempt.fees ?? current), current);
    logger.warn(
      { key: call.key, nonce: attempt.nonce, fees: attempt.fees },
      "sending again with a higher fee",
    );
    await broadcast(call, attempt).catch((error: unknown) => {
      logger.debug({ key: call.key, err: error }, "the raised fee was refused");
    });
  };

  /** The receipt, or undefined when another transaction used up the nonce. */
  const watch = async (
    call: Prepared,
    attempt: Attempt,
  ): Promise<TransactionReceipt | undefined> => {
    const begun = Date.now();
    let lastSent = begun;
    let pause = 25;
    let gone = 0;
    for (;;) {
      signal?.throwIfAborted();
      const receipt = await minedReceipt(attempt);
      if (receipt) return receipt;
      const used = await ask(() => client.getTransactionCount({ address: account.address }));
      gone = used > attempt.nonce ? gone + 1 : 0;
      if (gone > 3) return undefined;
      if (Date.now() - begun > giveUpAfter)
        throw new AssayError(
          "TRANSACTION_NOT_MINED",
          `${call.name} was not mined within ${giveUpAfter / 1_000} s.`,
          {
            remedy: "Send again with the same key; nothing is sent twice.",
            retryable: true,
            details: { hashes: attempt.hashes, nonce: attempt.nonce },
          },
        );
      if (Date.now() - lastSent > stuckAfter) {
        lastSent = Date.now();
        await speedUp(call, attempt);
      }
      await sleep(pause, undefined, signal ? { signal } : {});
      pause = Math.min(pollInterval, pause * 1.5);
    }
  };

  /** Undefined when the call reverts with no data on the states around its block: it may have lacked gas. */
  const whyReverted = async (
    call: Prepared,
    receipt: TransactionReceipt,
  ): Promise<AssayError | undefined> => {
    const more = { hash: receipt.transactionHash, gasUsed: receipt.gasUsed };
    for (const blockNumber of [receipt.blockNumber, receipt.blockNumber - 1n])
      try {
        await client.call({
          account: account.address,
          blockNumber,
          ...target(call),
        });
      } catch (error) {
        const data = revertDataOf(error);
        if (data !== undefined)
          return contractError(data, [...call.abi, ...errorAbi], {
            functionName: call.name,
            ...more,
          });
      }
    return undefined;
  };

  const deliver = async (call: Prepared): Promise<SentTransaction> => {
    let timesShort = 0;
    const earlier = await journal?.load(call.key);
    let attempt: Attempt = earlier
      ? { nonce: earlier.nonce, hashes: [...earlier.hashes] }
      : await inOrder(() => start(call));
    // Signed by a former process that ended before it could send.
    if (earlier && !(await isKnown(attempt))) await speedUp(call, attempt);
    for (;;) {
      inFlight++;
      const receipt = await watch(call, attempt).finally(() => inFlight--);
      if (receipt?.status === "success") return { hash: receipt.transactionHash, receipt };
      // A revert that an earlier process saw may have had a cause that has passed.
      if (receipt && attempt.gas !== undefined) {
        const why = await whyReverted(call, receipt);
        if (why) throw why;
        if (!ranOut(receipt, attempt.gas) || timesShort === MORE_GAS)
          throw revertedWithoutReason(call.name, receipt);
        timesShort++;
        logger.warn({ key: call.key, gas: attempt.gas }, "ran out of gas, sending again with more");
      }
      nextNonce = undefined;
      attempt = await inOrder(() => start(call, 2n ** BigInt(timesShort)));
    }
  };

  return {
    address: account.address,
    send({ to, abi, functionName, args, key }) {
      const running = known.get(key);
      if (running) return running;
      const call: Prepared = {
        key,
        name: functionName,
        to,
        abi: abi as Abi,
        data: encodeFunctionData({
          abi,
          functionName,
          args,
        } as EncodeFunctionDataParameters),
      };
      const sending = deliver(call).then(
        (sent) => {
          logger.debug(
            { key, hash: sent.hash, gasUsed: sent.receipt.gasUsed },
            `${call.name} mined`,
          );
          return sent;
        },
        (error: unknown) => {
          known.delete(key);
          throw error;
        },
      );
      known.set(key, sending);
      if (known.size > REMEMBERED)
        for (const oldest of known.keys()) {
          known.delete(oldest);
          break;
        }
      return sending;
    },
  };
};

const target = ({ to, data }: Prepared): { to: Address; data: Hex } => ({
  to,
  data,
});
