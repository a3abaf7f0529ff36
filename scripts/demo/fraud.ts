/**
 * A provider that skips half of the training, and what becomes of it: a watcher runs the job again, challenges, and the contract decides
 * by one scalar operation. Market, cheat and watcher are processes of their own; this one only looks at the chain and tells.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pc from "picocolors";
import type { Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";

import { AssayError } from "@assay/protocol/errors";
import { marketAbi, reputationAbi, tokenAbi } from "@assay/protocol/generated/abis";
import { createAssay, type Assay } from "@assay/sdk";
import { write } from "@assay/sdk/chain/write";
import { phaseOf, type Game } from "@assay/sdk/disputes/game";
import { findGames, readGame } from "@assay/sdk/disputes/read";
import { LOCAL_DEPLOYER_KEY, localKey } from "../../deploy/local-accounts.ts";
import { printUpEvent } from "../../services/cli/commands/up.ts";
import { drawLevel, formatBits, levelsOf } from "../../services/cli/disputes/draw.ts";
import { writeKey } from "../../services/cli/home/keys.ts";
import { writeLocalNetwork } from "../../services/cli/home/network.ts";
import {
  jsonField,
  startProcess,
  type RunningProcess,
} from "../../services/cli/local/processes.ts";
import { startLocalMarket, type LocalMarket } from "../../services/cli/local/up.ts";
import { formatAmount, formatSeconds, shortHex } from "../../services/cli/terminal/format.ts";
import { encodeMnist } from "../datasets/mnist.ts";
import { digitsJobFile } from "./job-file.ts";
import { assay, chapter, expect, output, ROOT, shown } from "./telling.ts";

const FOLDER = join(ROOT, ".assay", "fraud");
/** Long enough for the slowest machine; nobody waits for its end. */
const WINDOW = 900;
/** Seconds that each side has for all its moves: several times what they take, and at the end the cheat's are waited for. */
const CLOCK = 45;
const ANSWER = 240;
const PATIENCE_MS = 600_000;

interface Cheat {
  readonly agent: RunningProcess<Hex>;
  readonly client: Assay;
  readonly address: Hex;
}

/** A provider with stake, cheaper than all others, whose engine skips every step of the second half. */
const startCheat = async ({ network }: LocalMarket): Promise<Cheat> => {
  const { rpcUrl, apiUrl, deployment, stateDir } = network;
  const key = localKey(12);
  const keyFile = join(stateDir, "keys", "shadow.key");
  writeKey(keyFile, key);
  const account = privateKeyToAccount(key);
  const settings = { rpcUrl, deployment, pollingInterval: 50 };
  const deployer = createAssay({ ...settings, account: privateKeyToAccount(LOCAL_DEPLOYER_KEY) });
  const amount = 500n * 10n ** BigInt(deployment.token.decimals);
  await write(deployer.context, {
    address: deployment.contracts.token,
    abi: tokenAbi,
    functionName: "mint",
    args: [account.address, amount],
  });
  const client = createAssay({ ...settings, account });
  await client.deposit(amount);
  await client.stake(amount);
  const agent = await startProcess({
    name: "shadow",
    script: join(ROOT, "services/provider/main.ts"),
    nodeArguments: ["--import", join(ROOT, "scripts/demo/cheat-hooks.ts")],
    directory: stateDir,
    logFile: join(stateDir, "logs", "shadow.log"),
    environment: {
      ASSAY_PROVIDER_KEY_FILE: keyFile,
      ASSAY_PROVIDER_RPC_URL: rpcUrl,
      ASSAY_PROVIDER_API_URL: apiUrl,
      ASSAY_PROVIDER_STATE_DIR: join(stateDir, "providers", "shadow"),
      ASSAY_PROVIDER_THREADS: "1",
      ASSAY_PROVIDER_PRICE: "0.0010",
      ASSAY_PROVIDER_NAME: "shadow",
      ASSAY_PROVIDER_REGION: "eu-west",
      ASSAY_PROVIDER_POLL_MS: "200",
    },
    ready: (line) =>
      jsonField(line, "ready") === true ? (jsonField(line, "offer") as Hex) : undefined,
  });
  return { agent, client, address: account.address };
};

/** What `look` gives, once it gives something. */
const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end)
      throw new AssayError("DEMO_FAILED", `waited in vain for ${what}`, {
        remedy: `read the logs in ${shown(join(FOLDER, "market", "logs"))}`,
      });
    await sleep(100);
  }
};

/** The last line of the watcher's log with this message about the job. */
const watcherSaid = (message: string, jobId: Hex): Record<string, unknown> | undefined =>
  readFileSync(join(FOLDER, "market", "logs", "watcher.log"), "utf8")
    .split("\n")
    .filter((line) => line.includes(`"msg":"${message}"`) && line.includes(jobId))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .at(-1);

/** Tells each level of the descent as the game leaves it; returns the game when the provider has to show the scalar. */
const followDown = async (reader: Assay, disputes: Hex, gameId: bigint): Promise<Game> => {
  let told = 0;
  return until("the one scalar", async () => {
    const game = await readGame(reader.context, { disputes, gameId });
    if (game.end !== undefined)
      throw new AssayError("DEMO_FAILED", `the game ended early: ${game.end}`, {
        remedy:
          "if this machine is busy, give both sides more time: npm run demo -- --fraud --clock 300",
      });
    const levels = levelsOf(game);
    const atScalar = phaseOf(game.position) === "judge";
    for (const level of levels.slice(told, atScalar ? undefined : -1)) {
      output.line(drawLevel(level));
      told++;
    }
    return atScalar ? game : undefined;
  });
};

interface ScalarLog {
  readonly primitive: string;
  readonly dtype: "f32" | "i32";
  readonly operands: readonly {
    readonly source: string;
    readonly index?: number;
    readonly element?: number;
    readonly dtype: "f32" | "i32";
    readonly bits: number;
  }[];
}

const tellScalar = async (game: Game): Promise<void> => {
  const said = await until("the watcher's view of the scalar", async () =>
    watcherSaid("one scalar decides", game.jobId),
  );
  const { primitive, dtype, operands } = said["scalar"] as ScalarLog;
  const { position } = game;
  output.line(
    `operation   ${pc.bold(primitive)} of ${operands.length} operands, ${dtype}, in step ${position.step}`,
  );
  operands.forEach(({ source, index, element, dtype: type, bits }, k) => {
    const where = index === undefined ? source : `${source} ${index}, element ${element ?? "none"}`;
    output.line(`operand ${k}   ${formatBits(bits, type)}  ${pc.dim(where)}`);
  });
  output.line(
    `claimed     ${pc.red(formatBits(position.bits, dtype))}  by the provider: as before the step`,
  );
  const computed = Number(said["computed"]);
  output.line(`computed    ${pc.green(formatBits(computed, dtype))}  by the contract, in the EVM`);
  if (computed === position.bits) throw new AssayError("DEMO_FAILED", "the contract agrees");
};

/** All that left and came back, from the chain's events and balances. */
const tellMoney = async (
  market: LocalMarket,
  reader: Assay,
  game: Game,
  before: bigint,
): Promise<void> => {
  const { deployment, keys } = market.network;
  const { jobId } = game;
  const amount = (value: bigint): string => formatAmount(value, deployment.token);
  const [slashed] = await reader.context.publicClient.getContractEvents({
    address: deployment.contracts.market,
    abi: marketAbi,
    eventName: "Slashed",
    args: { jobId },
    fromBlock: 0n,
    strict: true,
  });
  if (slashed === undefined) throw new AssayError("DEMO_FAILED", "nobody was slashed");
  const { refunded, reward, damages, burned } = slashed.args;
  const { job } = await reader.jobFromChain(jobId);
  output.bad(`the provider lost its collateral of ${amount(job.terms.collateral)}`);
  output.good(`the requester has its whole escrow back: ${amount(refunded)}`);
  output.good(
    `the watcher has its bond of ${amount(game.bond)} back, and ${amount(reward)} for it`,
  );
  output.line(`${amount(burned)} burned, ${amount(damages)} in damages`);
  expect("the collateral", reward + damages + burned, job.terms.collateral);
  const requester = privateKeyToAccount(readFileSync(keys.requester, "utf8").trim() as Hex).address;
  expect("the requester's balance", await reader.balance(requester), before);
  // The bond came out of the watcher's wallet.
  expect("the watcher's balance", await reader.balance(game.challenger), game.bond + reward);
};

const story = async (market: LocalMarket, home: string, cheat: Cheat): Promise<void> => {
  const { rpcUrl, deployment, keys } = market.network;
  const reader = createAssay({ rpcUrl, deployment, apiUrl: market.network.apiUrl });
  const { disputes } = deployment.contracts;

  chapter("A job, and the cheapest offer wins it");
  const job = join(FOLDER, "job.yaml");
  writeFileSync(join(FOLDER, "mnist.safetensors"), encodeMnist());
  writeFileSync(job, digitsJobFile("mnist.safetensors"));
  expect("posting the job", await assay(home, "run", job, "--yes", "--detach"));
  const requester = privateKeyToAccount(readFileSync(keys.requester, "utf8").trim() as Hex).address;
  const view = await until("an agreement", async () => (await reader.jobs()).items[0]);
  const jobId = view.id;
  expect("the matcher's choice", view.provider, cheat.address);
  output.good(`agreed: job ${shortHex(jobId)} with shadow`);
  await until("a submission", async () => {
    const { state } = await reader.jobFromChain(jobId);
    if (state !== "active" && state !== "submitted")
      throw new AssayError("DEMO_FAILED", `shadow handed nothing in: the job is ${state}`, {
        remedy: `read ${shown(join(FOLDER, "market", "logs", "shadow.log"))}`,
      });
    return state === "submitted" ? true : undefined;
  });
  const { job: record } = await reader.jobFromChain(jobId);
  const escrow =
    record.terms.price +
    record.terms.protocolFee +
    record.terms.matcherFee +
    record.terms.auditLine;
  const before = (await reader.balance(requester)) + escrow;
  output.good(
    `shadow has submitted all ${record.terms.steps} steps: trace ${shortHex(record.progress.traceRoot)} ${pc.dim("(it ran the first half, then nothing)")}`,
  );

  chapter("The watcher, which ran the job beside it, compares 32 bytes");
  const [id] = await until("a challenge", async () => {
    const found = await findGames(reader.context, disputes, { jobIds: [jobId] });
    return found.length > 0 ? found : undefined;
  });
  const gameId = id?.gameId ?? 1n;
  const first = await readGame(reader.context, { disputes, gameId });
  const seconds = Number(watcherSaid("run again", jobId)?.["seconds"]);
  output.line(`run again in ${formatSeconds(seconds)}: the roots differ, also the second time`);
  output.good(
    `challenged: dispute ${gameId}, bond ${formatAmount(first.bond, deployment.token)}, by ${shortHex(first.challenger)}`,
  );

  chapter("Down to the first difference: the provider opens, the watcher points");
  const game = await followDown(reader, disputes, gameId);
  output.good(
    `${game.moves.length - 1} moves: from ${record.terms.steps} steps of training to one scalar operation`,
  );

  chapter("One scalar, and the contract computes it itself");
  await tellScalar(game);
  output.line(
    "whatever the provider claims now: these operands are agreed on, and its result is not theirs",
  );
  expect("the picture", await assay(home, "dispute", "show", String(gameId)));

  chapter("The provider has no move left, and its clock runs out");
  const now = Number((await reader.context.publicClient.getBlock()).timestamp);
  const left = Math.max(0, game.clocks.movedAt + game.clocks.providerLeft - now) + 1;
  output.line(`what is left of it: ${left} s; then anyone can end the dispute`);
  await until("the end", async () => {
    const { end } = await readGame(reader.context, { disputes, gameId });
    if (end === "provider lost") return end;
    if (end !== undefined) throw new AssayError("DEMO_FAILED", `it ended with ${end}`);
    return undefined;
  });
  output.good("the watcher called it: provider lost");
  await tellMoney(market, reader, game, before);

  chapter("What stays");
  const standing = await reader.context.publicClient.readContract({
    address: deployment.contracts.reputation,
    abi: reputationAbi,
    functionName: "standingOf",
    args: [cheat.address],
  });
  expect("the times slashed on its record", standing.slashed >= 1, true);
  output.bad(`reputation of shadow: ${standing.completed} completed, slashed`);
  const records = await reader.provenance(record.progress.modelRoot);
  expect("the number of records behind the model", records.length, 0);
  output.good("provenance: nothing was recorded for its model, and nothing ever will be");
};

/** The whole demo of a fraud; `clock` is for machines that are too slow, or too busy, for the usual one. */
export const fraud = async (clock = CLOCK): Promise<void> => {
  rmSync(FOLDER, { recursive: true, force: true });
  const home = join(FOLDER, "home");
  mkdirSync(home, { recursive: true });
  chapter("A market on this machine, with a watcher");
  const market = await startLocalMarket({
    stateDir: join(FOLDER, "market"),
    first: { challengeWindow: WINDOW, disputeClock: clock, unbonding: 4 * WINDOW },
    answerSeconds: ANSWER,
    onEvent: (event) => printUpEvent(output, event),
  });
  let cheat: Cheat | undefined;
  try {
    writeLocalNetwork({ pid: process.pid, ...market.network }, home);
    cheat = await startCheat(market);
    output.bad(
      `provider shadow (process ${cheat.agent.pid}): the cheapest, and it skips half of the work`,
    );
    const failed = Promise.race([market.failed, cheat.agent.failure]).then((error) => {
      throw error;
    });
    await Promise.race([story(market, home, cheat), failed]);
  } finally {
    await cheat?.agent.stop();
    await market.stop();
  }
  chapter(pc.green("Done: caught, slashed, and paid for by the cheat"));
  output.line("nobody had to be trusted: the contract ran one operation of the training itself");
  output.line("contracts/dispute/README.md says why the side that is right always wins");
};
