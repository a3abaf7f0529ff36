/** A requester asks for chunks of a model by `assay demand`: whoever withholds it is slashed, whoever shows it loses nothing. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { toHex, type Hex } from "@assay/protocol/commitments/hash";
import { localKey } from "../../../deploy/local-accounts.ts";
import { commandLine, EXIT, refusedWith, temporaryFolder } from "../../support/commands.ts";
import { submitWrong } from "../watcher/cheats.ts";
import {
  agentFor,
  eventOf,
  LONG_WINDOWS,
  proposalFor,
  rerun,
  setStage,
  skipWindow,
  smallJob,
} from "./story.ts";

interface Demanded {
  readonly id: string;
  readonly tensor: number;
  readonly chunk: number;
  readonly fee: string;
  readonly status: string;
  readonly bytes: string | null;
}

const stage = await setStage(LONG_WINDOWS);
after(() => stage.close());

/** The command line with the key of an account, by its place. */
const commandsOf = async (t: TestContext, place: number) => {
  const { folder, remove } = temporaryFolder("demand");
  t.after(remove);
  const key = join(folder, "key");
  await writeFile(key, `${localKey(place)}\n`, { mode: 0o600 });
  const network = ["--rpc", stage.chain.rpcUrl, "--api", stage.front.url, "--key", key];
  return { assay: commandLine(folder), network };
};

test(
  "a provider that withholds its model is slashed for the chunk that the requester demands",
  { timeout: 900_000 },
  async (t) => {
    const provider = (await stage.furtherProvider(10)).assay;
    const job = await smallJob(stage, { steps: 36, interval: 6, seed: 10n });
    // Its result is right, but nobody is there to show it.
    const { jobId, run } = await submitWrong(stage, provider, job, {});
    t.after(() => run.close());
    const staked = (await provider.stakeOf()).total;
    const { terms } = (await stage.requester.jobFromChain(jobId)).job;
    const free = await stage.requester.balance();

    const { assay, network } = await commandsOf(t, 1);
    const unasked = await assay.tryJson("demand", jobId, ...network);
    refusedWith(unasked, "USAGE_NOT_CONFIRMED", EXIT.usage);
    // Left after it has asked: the demand stands, and the same command goes on with it.
    const first = assay.start("demand", jobId, ...network, "--yes");
    const said = await first.line(/demand 1\b/);
    assert.match(said, /✓ demand 1 /);
    assert.equal((await first.stop("SIGINT")).code, EXIT.interrupted);
    const second = assay.start("demand", jobId, ...network, "--yes", "--json");
    const listed = () => assay.json<{ demands: Demanded[] }>("demand", jobId, ...network, "--list");
    const [waiting, ...others] = (await listed()).demands;
    assert.equal(waiting?.status, "waiting");
    assert.deepEqual(others, [], "nothing was paid for twice");
    assert.equal(free - (await stage.requester.balance()), BigInt(waiting.fee));

    await stage.chain.skip(LONG_WINDOWS.disputeClock + 1);
    const { code, stdout, stderr } = await second.ended;
    assert.equal(code, 0, stdout + stderr);
    assert.equal((JSON.parse(stdout) as Demanded).status, "slashed");
    assert.equal((await stage.requester.jobFromChain(jobId)).state, "slashed");
    assert.equal((await provider.stakeOf()).total, staked - terms.collateral);
    assert.ok(
      (await stage.requester.balance()) > free + terms.price,
      "the fee and the price are back, and there is a reward",
    );
    assert.equal((await listed()).demands[0]?.status, "slashed");
    const late = await assay.tryJson("demand", jobId, ...network, "--yes");
    refusedWith(late, "DEMAND_NOT_SUBMITTED", EXIT.failure);
  },
);

test(
  "a provider that shows what is demanded has the fee and is paid for its job",
  { timeout: 900_000 },
  async (t) => {
    const { key, assay: provider } = await stage.furtherProvider(11);
    const { home } = await agentFor(stage, t, {}, key);
    const job = await smallJob(stage, { steps: 36, interval: 6, seed: 11n });
    const { address } = provider.context.walletClient!.account!;
    stage.front.propose(await proposalFor(stage, job), address);
    const jobId = (await eventOf(home, "submitted")).jobId as Hex;
    const free = await provider.balance();

    // Not the requester, and with nothing in the market yet: the fee comes out of its wallet.
    const asker = (await stage.chain.actor(5, stage.front.url)).assay;
    const inWallet = await asker.walletBalance();
    const { assay, network } = await commandsOf(t, 5);
    const tensors = job.program.state.filter(({ parameter }) => parameter);
    const { name } = tensors[1]!;
    const wrong = await assay.tryJson("demand", jobId, ...network, "--yes", "--tensor", "none");
    assert.match(refusedWith(wrong, "USAGE_NO_SUCH_TENSOR", EXIT.usage).remedy ?? "", /, /);
    const named = await assay.json<Demanded>(
      "demand",
      jobId,
      ...network,
      "--yes",
      "--tensor",
      name,
      "--chunk",
      "0",
    );
    assert.deepEqual([named.tensor, named.chunk, named.status], [1, 0, "shown"]);
    const { state } = await rerun(job);
    const words = state[job.program.state.indexOf(tensors[1]!)]!;
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    assert.equal(named.bytes, toHex(bytes.subarray(0, 1_024)));
    const drawn = await assay.json<Demanded>("demand", jobId, ...network, "--yes");
    assert.deepEqual([drawn.status, drawn.id === named.id], ["shown", false]);

    const fees = BigInt(named.fee) + BigInt(drawn.fee);
    assert.equal((await provider.balance()) - free, fees);
    assert.equal(inWallet - (await asker.walletBalance()), fees);
    await skipWindow(stage, jobId);
    assert.equal((await eventOf(home, "ended")).outcome, "settled");
    assert.equal((await provider.stakeOf()).total, 10n ** 11n);
  },
);
