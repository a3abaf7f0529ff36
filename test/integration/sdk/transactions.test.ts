/** What a client sends over a node that fails: nothing is sent twice, and what became of it is said. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { tokenAbi } from "@assay/protocol/generated/abis";
import { createAssay, type Assay } from "@assay/sdk";
import { write } from "@assay/sdk/chain/write";
import { startRpcProxy, type RpcProxy } from "../../support/rpc-proxy.ts";
import { startChain, type TestChain } from "../market/chain.ts";

const SEND = "eth_sendRawTransaction";

describe("the client's transactions", () => {
  let chain: TestChain;
  let proxy: RpcProxy;
  let assay: Assay;
  let place = 10;

  before(async () => {
    chain = await startChain();
    proxy = await startRpcProxy(chain.rpcUrl);
  });
  afterEach(() => proxy.pass());
  after(async () => {
    await proxy.close();
    await chain.close();
  });

  const mint = (amount: bigint) =>
    write(assay.context, {
      address: chain.deployment.contracts.token,
      abi: tokenAbi,
      functionName: "mint",
      args: [assay.context.walletClient!.account!.address, amount],
    });
  /** A client of an account that nobody has used, with tokens and an allowance for them. */
  const newcomer = async (tokens: bigint): Promise<void> => {
    assay = createAssay({
      rpcUrl: proxy.url,
      account: chain.account(place++),
      deployment: chain.deployment,
      pollingInterval: 20,
    });
    await mint(tokens);
    await write(assay.context, {
      address: chain.deployment.contracts.token,
      abi: tokenAbi,
      functionName: "approve",
      args: [chain.deployment.contracts.market, 2n ** 200n],
    });
  };
  const sent = () =>
    chain.client.getTransactionCount({ address: assay.context.walletClient!.account!.address });

  test("regression: a transaction reported failed that had mined is found, and not sent again", async () => {
    await newcomer(100n);
    const before_ = await sent();
    proxy.set(async (method, forward) => {
      const body = await forward();
      if (method !== SEND) return { status: 200, body };
      const { id } = JSON.parse(body) as { id: number };
      const error = { code: -32_000, message: "transaction execution failed" };
      return { status: 200, body: JSON.stringify({ jsonrpc: "2.0", id, error }) };
    });
    const { receipt } = await assay.deposit(60n);
    assert.equal(receipt.status, "success");
    assert.equal(await assay.balance(), 60n);
    assert.equal(await sent(), before_ + 1);
  });

  test("regression: answers that are lost on the way make no second deposit", async () => {
    await newcomer(100n);
    const before_ = await sent();
    let lost = 0;
    proxy.set(async (method, forward) => {
      const body = await forward();
      // More than the transport tries by itself.
      return method === SEND && lost++ < 5 ? "cut" : { status: 200, body };
    });
    await assay.deposit(60n);
    assert.equal(await assay.balance(), 60n);
    assert.equal(await sent(), before_ + 1);
  });

  test("behavior: a node that falls silent after it took the transaction is asked again until it answers", async () => {
    await newcomer(100n);
    let silent = 0;
    proxy.set(async (method, forward) => {
      const body = await forward();
      if (method === SEND) silent = 8;
      else if (silent-- > 0) return "cut";
      return { status: 200, body };
    });
    await assay.deposit(60n);
    assert.equal(await assay.balance(), 60n);
  });

  test("behavior: a call that ran out of gas is sent again with more", async () => {
    await newcomer(100n);
    const before_ = await sent();
    let understated = false;
    proxy.set(async (method, forward) => {
      const body = await forward();
      if (method !== "eth_estimateGas" || understated) return { status: 200, body };
      understated = true;
      return { status: 200, body: body.replace(/"result":"0x[0-9a-f]+"/, '"result":"0x0"') };
    });
    await assay.deposit(60n);
    assert.equal(await assay.balance(), 60n);
    assert.equal(await sent(), before_ + 2);
  });

  test("behavior: a refusal between the estimate and the block has the contract's name", async () => {
    await newcomer(100n);
    await assay.deposit(60n);
    // The balance goes after the estimate: another program of the account was quicker.
    let stolen = false;
    proxy.set(async (method, forward) => {
      const body = await forward();
      if (method === "eth_estimateGas" && !stolen) {
        stolen = true;
        await assay.withdraw(60n);
      }
      return { status: 200, body };
    });
    await assert.rejects(assay.withdraw(50n), (error) =>
      isAssayError(error, "LEDGER_INSUFFICIENT_BALANCE"),
    );
    assert.equal(await assay.balance(), 0n);
    assert.equal(await assay.walletBalance(), 100n);
  });

  test("behavior: a chain that is away before anything is signed is named, and may be tried again", async () => {
    await newcomer(100n);
    proxy.down();
    await assert.rejects(
      assay.deposit(60n),
      (error) =>
        isAssayError(error, "CHAIN_UNREACHABLE") && error.retryable && error.remedy !== undefined,
    );
    proxy.pass();
    assert.equal(await assay.balance(), 0n);
    await assay.deposit(60n);
    assert.equal(await assay.balance(), 60n);
  });

  test("regression: a withdrawal of nothing, or of too much, says so", async () => {
    await newcomer(100n);
    const cases: [code: string, act: () => Promise<unknown>][] = [
      ["LEDGER_ZERO_AMOUNT", () => assay.withdraw(0n)],
      ["LEDGER_INSUFFICIENT_BALANCE", () => assay.withdraw(1n)],
      ["STAKING_NOTHING_TO_WITHDRAW", () => assay.withdrawStake()],
      ["STAKING_INSUFFICIENT", () => assay.requestUnstake(1n)],
    ];
    const before_ = await sent();
    for (const [code, act] of cases)
      await assert.rejects(act(), (error) => isAssayError(error, code), code);
    assert.equal(await sent(), before_);
  });
});
