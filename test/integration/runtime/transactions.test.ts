import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { marketAbi, tokenAbi } from "@assay/protocol/generated/abis";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import {
  createTransactionSender,
  type TransactionAttempt,
  type TransactionJournal,
  type TransactionSender,
} from "@assay/runtime/transactions";
import { createPublicClient, http, type LocalAccount } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { startRpcProxy, type RpcProxy } from "../../support/rpc-proxy.ts";
import { silent, startChain, type TestChain } from "../market/chain.ts";

const memoryJournal = () => {
  const kept = new Map<string, TransactionAttempt>();
  const journal: TransactionJournal = {
    load: (key) => Promise.resolve(kept.get(key)),
    save: (key, { nonce, hashes }) => {
      kept.set(key, { nonce, hashes: [...hashes] });
      return Promise.resolve();
    },
  };
  return { journal, kept };
};

describe("createTransactionSender on a chain", () => {
  let chain: TestChain;
  let proxy: RpcProxy;
  let account: LocalAccount;
  let place = 10;

  before(async () => {
    chain = await startChain();
    proxy = await startRpcProxy(chain.rpcUrl);
  });
  afterEach(async () => {
    proxy.pass();
    await chain.client.setAutomine(true);
  });
  after(async () => {
    await proxy.close();
    await chain.close();
  });

  const sender = (
    options: Partial<Parameters<typeof createTransactionSender>[0]> = {},
  ): TransactionSender => {
    account = chain.account(place++);
    return open(account, options);
  };
  const open = (
    from: LocalAccount,
    options: Partial<Parameters<typeof createTransactionSender>[0]> = {},
  ): TransactionSender =>
    createTransactionSender({
      account: from,
      client: createPublicClient({
        transport: http(proxy.url, { retryCount: 0 }),
        cacheTime: 0,
      }),
      logger: silent,
      pollInterval: 20,
      ...options,
    });

  const mint = (amount: bigint, key = String(amount)) => ({
    to: chain.deployment.contracts.token,
    abi: tokenAbi,
    functionName: "mint" as const,
    args: [account.address, amount] as const,
    key,
  });
  const balance = () =>
    chain.client.readContract({
      address: chain.deployment.contracts.token,
      abi: tokenAbi,
      functionName: "balanceOf",
      args: [account.address],
    });

  test("default: many sends at once are mined in nonce order, each with its receipt", async () => {
    const one = sender();
    const sent = await Promise.all([1n, 2n, 3n, 4n, 5n].map((amount) => one.send(mint(amount))));
    assert.equal(await balance(), 15n);
    const transactions = await Promise.all(
      sent.map(({ hash }) => chain.client.getTransaction({ hash })),
    );
    assert.deepEqual(
      transactions.map(({ nonce }) => nonce),
      [0, 1, 2, 3, 4],
    );
    assert.ok(sent.every(({ receipt }) => receipt.status === "success"));
  });

  test("behavior: one key is one transaction", async () => {
    const one = sender();
    const [a, b] = await Promise.all([one.send(mint(7n, "same")), one.send(mint(7n, "same"))]);
    const c = await one.send(mint(7n, "same"));
    assert.equal(a.hash, b.hash);
    assert.equal(a.hash, c.hash);
    assert.equal(await balance(), 7n);
  });

  test("behavior: the contract's refusal is its error, by name and values, and uses no nonce", async () => {
    const one = sender();
    const call = {
      to: chain.deployment.contracts.market,
      abi: marketAbi,
      functionName: "withdraw" as const,
      args: [account.address, 5n] as const,
      key: "withdraw",
    };
    await assert.rejects(one.send(call), (error: unknown) => {
      assert.ok(isAssayError(error, "LEDGER_INSUFFICIENT_BALANCE"));
      assert.deepEqual(
        { account: error.details["account"], needed: error.details["needed"] },
        { account: account.address, needed: 5n },
      );
      return true;
    });
    await one.send(mint(1n));
    assert.equal(await chain.client.getTransactionCount({ address: account.address }), 1);
  });

  test("behavior: an account without native currency is told so", async () => {
    account = privateKeyToAccount(generatePrivateKey());
    await assert.rejects(open(account).send(mint(1n)), (error: unknown) =>
      isAssayError(error, "GAS_FUNDS_MISSING"),
    );
  });

  test("behavior: a node that is down for a moment is asked again", async () => {
    const one = sender();
    let failures = 0;
    proxy.set(async (_method, forward) =>
      ++failures % 3 === 1 ? { status: 503, body: "down" } : { status: 200, body: await forward() },
    );
    await one.send(mint(3n));
    assert.equal(await balance(), 3n);
    assert.ok(failures > 3);
  });

  test("behavior: a transaction that the node reports failed, but has mined, is found and not sent again", async () => {
    const one = sender();
    proxy.set(async (method, forward) => {
      const body = await forward();
      if (method !== "eth_sendRawTransaction") return { status: 200, body };
      const { id } = JSON.parse(body) as { id: number };
      const error = { code: -32_000, message: "execution failed for some reason" };
      return { status: 200, body: JSON.stringify({ jsonrpc: "2.0", id, error }) };
    });
    const { receipt } = await one.send(mint(9n));
    assert.equal(receipt.status, "success");
    assert.equal(await balance(), 9n);
  });

  test("behavior: an answer that is lost on the way does not make a second transaction", async () => {
    const one = sender();
    let lost = 0;
    proxy.set(async (method, forward) => {
      const body = await forward();
      return method === "eth_sendRawTransaction" && lost++ === 0
        ? { status: 502, body: "lost" }
        : { status: 200, body };
    });
    await one.send(mint(11n));
    assert.equal(await balance(), 11n);
    assert.equal(await chain.client.getTransactionCount({ address: account.address }), 1);
  });

  test("behavior: fees of a stuck transaction are raised, with the same nonce", async () => {
    const one = sender({ stuckAfter: 60 });
    await chain.client.setAutomine(false);
    let sends = 0;
    proxy.set(async (method, forward) => {
      const body = await forward();
      if (method === "eth_sendRawTransaction" && ++sends === 3)
        await chain.client.mine({ blocks: 1 });
      return { status: 200, body };
    });
    const { hash } = await one.send(mint(13n));
    const { nonce } = await chain.client.getTransaction({ hash });
    assert.equal(nonce, 0);
    assert.ok(sends >= 3);
    assert.equal(await balance(), 13n);
  });

  /** Answers the first `times` estimates with too little gas for what they were asked about. */
  const understate = (times: number) => {
    let left = times;
    proxy.set(async (method, forward) => {
      const body = await forward();
      if (method !== "eth_estimateGas" || left-- <= 0) return { status: 200, body };
      return { status: 200, body: body.replace(/"result":"0x[0-9a-f]+"/, '"result":"0x0"') };
    });
    return () => times - Math.max(left, 0);
  };

  test("behavior: a call that ran out of gas is sent again with more", async () => {
    const one = sender();
    const estimates = understate(1);
    const { hash } = await one.send(mint(23n));
    const { nonce } = await chain.client.getTransaction({ hash });
    assert.equal(nonce, 1);
    assert.equal(estimates(), 1);
    assert.equal(await balance(), 23n);
  });

  test("behavior: a call that runs out of gas each time is given up", async () => {
    const one = sender();
    // GAS 300000 LT JUMPI INVALID: uses up whatever it gets below 300,000 gas.
    const deployed = await chain.deployer.signTransaction({
      type: "eip1559",
      chainId: chain.deployment.chainId,
      nonce: await chain.client.getTransactionCount({ address: chain.deployer.address }),
      gas: 1_000_000n,
      maxFeePerGas: 10n ** 10n,
      data: "0x600c8060093d393df35a620493e010600a57fe5b00",
    });
    const hash = await chain.client.sendRawTransaction({ serializedTransaction: deployed });
    const { contractAddress } = await chain.client.waitForTransactionReceipt({ hash });
    assert.ok(contractAddress);
    understate(100);
    await assert.rejects(
      one.send({ ...mint(29n), to: contractAddress }),
      (error) => isAssayError(error) && error.code === "TRANSACTION_REVERTED" && error.retryable,
    );
    assert.equal(await chain.client.getTransactionCount({ address: account.address }), 3);
  });

  test("behavior: a restart goes on waiting for what was sent before it", async () => {
    const { journal, kept } = memoryJournal();
    const abort = new AbortController();
    const one = sender({ journal, signal: abort.signal });
    await chain.client.setAutomine(false);
    const sent = Promise.withResolvers<void>();
    proxy.set(async (method, forward) => {
      const body = await forward();
      if (method === "eth_sendRawTransaction") sent.resolve();
      return { status: 200, body };
    });
    const interrupted = one.send(mint(17n, "kept"));
    await sent.promise;
    abort.abort();
    await assert.rejects(interrupted);
    await chain.client.mine({ blocks: 1 });
    await chain.client.setAutomine(true);
    const { hash } = await open(account, { journal }).send(mint(17n, "kept"));
    assert.ok(kept.get("kept")?.hashes.includes(hash));
    assert.equal(await balance(), 17n);
  });

  test("behavior: a nonce that somebody else used up is replaced by a fresh one", async () => {
    const one = sender();
    await one.send(mint(1n));
    await open(account).send(mint(2n));
    await one.send(mint(4n));
    assert.equal(await balance(), 7n);
  });

  test("behavior: what is never mined is reported as retryable, with its hashes", async () => {
    const one = sender({ giveUpAfter: 100 });
    await chain.client.setAutomine(false);
    await assert.rejects(one.send(mint(1n)), (error: unknown) => {
      assert.ok(error instanceof AssayError);
      assert.equal(error.code, "TRANSACTION_NOT_MINED");
      assert.equal(error.retryable, true);
      return true;
    });
  });
});
