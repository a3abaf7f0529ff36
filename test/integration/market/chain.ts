/** A chain with the contracts for these tests: anvil, which mines at each transaction and can undo blocks. */
import { tokenAbi, marketAbi, stakingAbi } from "@assay/protocol/generated/abis";
import type { Deployment } from "@assay/protocol/wire/api";
import { createLogger } from "@assay/runtime/logger";
import { createTransactionSender, type TransactionSender } from "@assay/runtime/transactions";
import {
  createTestClient,
  http,
  publicActions,
  type Address,
  type Hex,
  type LocalAccount,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { deployLocal } from "../../../deploy/deploy.ts";
import { LOCAL_DEPLOYER_KEY, localKey } from "../../../deploy/local-accounts.ts";
import { startAnvil } from "../../support/anvil.ts";

export const silent = createLogger({
  name: "test",
  level: "silent",
});

const connect = (rpcUrl: string) =>
  createTestClient({
    mode: "anvil",
    transport: http(rpcUrl, { batch: true }),
    cacheTime: 0,
    pollingInterval: 20,
  }).extend(publicActions);
export type TestChainClient = ReturnType<typeof connect>;

export interface TestChain {
  readonly rpcUrl: string;
  readonly client: TestChainClient;
  readonly deployment: Deployment;
  readonly deployer: LocalAccount;
  /** Funded account number `place`; 0 deploys. */
  account(place: number): LocalAccount;
  sender(account: LocalAccount): TransactionSender;
  /** Free ledger balance for an account, or for another that it deposits to, out of fresh test tokens. */
  fund(account: LocalAccount, amount: bigint, beneficiary?: Address): Promise<void>;
  /** Free balance and stake. */
  stake(account: LocalAccount, amount: bigint): Promise<void>;
  /** Undoes all blocks since a snapshot, and what senders remember of them. */
  revert(snapshot: Hex): Promise<void>;
  close(): Promise<void>;
}

/** `first`: governed numbers that differ from the local ones. */
export const startChain = async (
  options: readonly string[] = [],
  first: Readonly<Record<string, number>> = {},
): Promise<TestChain> => {
  const anvil = await startAnvil(options);
  const client = connect(anvil.url);
  const deployment = await deployLocal({
    rpcUrl: anvil.url,
    deployer: LOCAL_DEPLOYER_KEY,
    first,
  }).catch(async (error: unknown) => {
    await anvil.close();
    throw error;
  });
  const senders = new Map<string, TransactionSender>();
  const account = (place: number): LocalAccount => privateKeyToAccount(localKey(place));
  const deployer = account(0);
  let sent = 0;

  const sender = (from: LocalAccount): TransactionSender => {
    const known = senders.get(from.address);
    if (known) return known;
    const fresh = createTransactionSender({
      account: from,
      client,
      logger: silent,
      errorAbi: [...marketAbi, ...stakingAbi].filter((item) => item.type === "error"),
      pollInterval: 50,
    });
    senders.set(from.address, fresh);
    return fresh;
  };

  const { market, staking, token } = deployment.contracts;
  const fund = async (
    to: LocalAccount,
    amount: bigint,
    beneficiary: Address = to.address,
  ): Promise<void> => {
    const key = String(sent++);
    await sender(deployer).send({
      to: token,
      abi: tokenAbi,
      functionName: "mint",
      args: [to.address, amount],
      key: `mint ${key}`,
    });
    await sender(to).send({
      to: token,
      abi: tokenAbi,
      functionName: "approve",
      args: [market, amount],
      key: `approve ${key}`,
    });
    await sender(to).send({
      to: market,
      abi: marketAbi,
      functionName: "deposit",
      args: [beneficiary, amount],
      key: `deposit ${key}`,
    });
  };

  return {
    rpcUrl: anvil.url,
    client,
    deployment,
    deployer,
    account,
    sender,
    fund,
    async stake(provider, amount) {
      await fund(provider, amount);
      await sender(provider).send({
        to: staking,
        abi: stakingAbi,
        functionName: "stake",
        args: [amount],
        key: `stake ${sent++}`,
      });
    },
    async revert(id) {
      await client.revert({ id });
      senders.clear();
    },
    close: anvil.close,
  };
};
