/** A vote of the stake through the command line, on a chain whose time moves with its blocks. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { createAssay, type Assay } from "@assay/sdk";
import { localKey } from "../../../deploy/local-accounts.ts";
import { writeKey } from "../../../services/cli/home/keys.ts";
import { commandLine, temporaryFolder, type CommandLine } from "../../support/commands.ts";
import { startChain, type TestChain } from "../market/chain.ts";

const STAKE = 1_000_000_000n;

interface Listed {
  readonly id: string;
  readonly state: string;
  readonly description: string;
  readonly changes: readonly object[];
  readonly words: readonly string[];
  readonly votes: { readonly for: string; readonly against: string; readonly abstain: string };
  readonly quorum: string | null;
  readonly voteStart: number;
  readonly voteEnd: number;
}

describe("governance by stake", () => {
  let chain: TestChain;
  let home: { folder: string; remove: () => void };
  let command: CommandLine;
  let keys: Record<"staker" | "other" | "stranger", string>;
  let sdk: Assay;
  let rpc: string[];

  const governance = <T>(key: string, ...args: string[]): Promise<T> =>
    command.json<T>("governance", ...args, "--key", key, ...rpc);
  const refusal = async (key: string, ...args: string[]): Promise<string> => {
    const { code, result } = await command.tryJson("governance", ...args, "--key", key, ...rpc);
    assert.notEqual(code, 0);
    assert.ok(result.error.remedy, `${result.error.code} says what to do`);
    return result.error.code;
  };
  const listed = async (): Promise<Listed[]> =>
    (await governance<{ proposals: Listed[] }>(keys.staker, "list", "--all")).proposals;
  /** Mines a block at this time. */
  const pass = async (time: number): Promise<void> => {
    await chain.client.setNextBlockTimestamp({ timestamp: BigInt(time) });
    await chain.client.mine({ blocks: 1 });
  };

  before(async () => {
    chain = await startChain();
    // The chain's time stands still between blocks: no window closes because a machine is slow.
    await chain.client.setBlockTimestampInterval({ interval: 1 });
    home = temporaryFolder("governance");
    command = commandLine(home.folder);
    rpc = ["--rpc", chain.rpcUrl];
    const places = { staker: 1, other: 2, stranger: 3 };
    keys = { staker: "", other: "", stranger: "" };
    for (const [name, place] of Object.entries(places) as [keyof typeof keys, number][]) {
      keys[name] = join(home.folder, `${name}.key`);
      writeKey(keys[name], localKey(place));
      if (name !== "stranger") await chain.stake(chain.account(place), STAKE);
    }
    const account = chain.account(1);
    sdk = createAssay({ rpcUrl: chain.rpcUrl, account, deployment: chain.deployment });
    await chain.client.mine({ blocks: 2 });
  });
  after(async () => {
    await chain.close();
    home.remove();
  });

  test("a proposal is listed, voted for, carried out, and changes the parameters", async () => {
    const made = await governance<Listed>(
      keys.staker,
      "propose",
      "protocolFeeBps=250",
      "challengeBond=2",
      "--why",
      "Raise fee and bond\nBecause.",
      "--yes",
    );
    assert.deepEqual(made.words, [
      "protocol fee, of the price: 1 % → 2.5 %",
      "bond of a challenger: 1.00 tUSD → 2.00 tUSD",
    ]);
    assert.equal(made.quorum, null, "is not known before the vote begins");
    const prefix = made.id.slice(0, 10);
    assert.equal(await refusal(keys.staker, "vote", prefix, "for", "--yes"), "VOTE_NOT_OPEN");
    assert.equal(await refusal(keys.staker, "carry-out", prefix), "PROPOSAL_NOT_DECIDED");

    await pass(made.voteStart + 1);
    const [open] = await listed();
    assert.equal(open?.state, "active");
    assert.equal(BigInt(open?.quorum ?? 0), (2n * STAKE * 400n) / 10_000n);
    assert.equal(
      await refusal(keys.stranger, "vote", prefix, "for", "--yes"),
      "VOTE_WITHOUT_STAKE",
    );
    assert.equal(await refusal(keys.staker, "vote", prefix, "maybe", "--yes"), "USAGE_BAD_VOTE");
    assert.equal(
      await refusal(keys.staker, "vote", "0xffffffff", "for", "--yes"),
      "PROPOSAL_UNKNOWN",
    );
    const voted = await governance<{ weight: string }>(keys.staker, "vote", prefix, "for", "--yes");
    assert.equal(BigInt(voted.weight), STAKE);
    assert.equal(
      await refusal(keys.staker, "vote", prefix, "against", "--yes"),
      "VOTE_ALREADY_CAST",
    );
    await governance(keys.other, "vote", prefix, "abstain", "--yes", "--reason", "no view");
    const shown = await governance<Listed>(keys.staker, "show", prefix);
    assert.deepEqual(shown.votes, { for: `${STAKE}`, against: "0", abstain: `${STAKE}` });
    const text = await command.run("governance", "list", ...rpc);
    assert.match(text.stdout, /quorum 80\.00 tUSD: reached/);
    assert.match(text.stdout, /the vote ends \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);

    await pass(made.voteEnd + 1);
    assert.equal((await listed())[0]?.state, "succeeded");
    assert.equal(await refusal(keys.other, "vote", prefix, "for", "--yes"), "VOTE_NOT_OPEN");
    const queued = await governance<{ step: string }>(keys.stranger, "carry-out", prefix);
    assert.equal(queued.step, "queued");
    const { executableAt } = await sdk.proposal(BigInt(made.id));
    assert.ok(executableAt !== null);
    await pass(executableAt);
    const done = await governance<{ step: string }>(keys.stranger, "carry-out", prefix);
    assert.equal(done.step, "executed");
    const { version, protocolFeeBps, challengeBond } = await sdk.parameters();
    assert.deepEqual([version, protocolFeeBps, challengeBond], [2, 250, 2_000_000n]);
    const [over] = await listed();
    assert.equal(over?.state, "executed");
    assert.deepEqual(over?.words, made.words, "is told as it was when it was made");
    const open2 = await governance<{ proposals: Listed[] }>(keys.staker, "list");
    assert.deepEqual(open2.proposals, []);
  });

  test("what cannot be is refused before it is sent", async () => {
    const propose = (key: string, ...changes: string[]) =>
      refusal(key, "propose", ...changes, "--why", "x", "--yes");
    assert.equal(await propose(keys.staker, "protocolFeeBps=65535"), "PARAMETER_OUT_OF_BOUNDS");
    const { protocolFeeBps } = await sdk.parameters();
    const same = `protocolFeeBps=${protocolFeeBps}`;
    assert.equal(await propose(keys.staker, same), "PROPOSAL_WITHOUT_CHANGE");
    assert.equal(await propose(keys.staker, "fee=1"), "USAGE_BAD_PARAMETER");
    assert.equal(await propose(keys.staker, "protocolFeeBps=many"), "USAGE_BAD_PARAMETER");
    assert.equal(await propose(keys.stranger, "protocolFeeBps=300"), "PROPOSAL_NEEDS_STAKE");
    assert.equal(await refusal(keys.staker, "show", "nothing"), "USAGE_BAD_PROPOSAL");
    assert.equal(await refusal(keys.staker, "delegate", "0x12"), "USAGE_BAD_ADDRESS");
  });

  test("delegated stake votes for whom it was given to, and comes back", async () => {
    const friend = chain.account(3).address;
    await governance(keys.other, "delegate", friend);
    assert.equal(await sdk.votingPower(friend), STAKE);
    assert.equal(await sdk.votingPower(chain.account(2).address), 0n);
    await governance(keys.other, "delegate", chain.account(2).address);
    assert.equal(await sdk.votingPower(friend), 0n);
  });

  test("a deployment without a governor says so", async () => {
    const { governor: _, ...contracts } = chain.deployment.contracts;
    const without = createAssay({
      rpcUrl: chain.rpcUrl,
      account: privateKeyToAccount(generatePrivateKey()),
      deployment: { ...chain.deployment, contracts },
    });
    await assert.rejects(without.proposals(), { code: "GOVERNANCE_MISSING" });
  });
});
