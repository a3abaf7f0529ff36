/** Actors and jobs for the tests of the provider's agent. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Inputs } from "@assay/engine/backend";
import { selectTensors, tensorListRoot } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";
import { printProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { workUnits } from "@assay/engine/ir/units";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { runJob, type JobResult } from "@assay/engine/trace/run";
import { wasmBackend } from "@assay/engine/wasm/backend";
import { PLAIN_ENGINE, type EngineSettings } from "@assay/engine/wasm/settings";
import { marketAbi } from "@assay/protocol/generated/abis";
import { totalUnits, priceOf } from "@assay/protocol/domain/money";
import type { Request } from "@assay/protocol/domain/messages";
import { digestOf, typedData } from "@assay/protocol/signing/typed-data";
import type { Proposal } from "@assay/protocol/wire/api";
import { canonicalHash, constraintsSchema } from "@assay/protocol/wire/description";
import { domainOf } from "@assay/sdk/context";
import type { Assay } from "@assay/sdk";
import { digestOf as digestOfCid } from "@assay/storage/cid";
import { contentStore } from "@assay/storage/content";
import { memoryBlocks } from "@assay/storage/memory";
import { zeroAddress, zeroHash, type Hex } from "viem";
import { startChain, type LocalChain } from "./chain.ts";
import { startFront, type Front } from "./front.ts";
import { smallTraining } from "./small-training.ts";

export interface Stage {
  readonly chain: LocalChain;
  readonly front: Front;
  readonly requester: Assay;
  readonly provider: Assay;
  readonly providerKey: Hex;
  /** A further provider with stake of its own, by account place (10 to 19). */
  furtherProvider(place: number): Promise<{ key: Hex; assay: Assay }>;
  readonly store: ReturnType<typeof contentStore>;
  close(): Promise<void>;
}

/** Clocks and windows that the slowest machine does not outlast: the tests let the chain's time pass themselves. */
export const LONG_WINDOWS = {
  disputeClock: 3_000,
  challengeWindow: 6_000,
  receiptGrace: 600,
  revealTime: 6_000,
  unbonding: 60_000,
};

/** Chain, market front, a requester with money and a provider with stake. */
export const setStage = async (
  parameters: Readonly<Record<string, number>> = {},
): Promise<Stage> => {
  const chain = await startChain(parameters);
  const blocks = memoryBlocks();
  const carrier = await chain.actor(3);
  const front = await startFront({
    deployment: chain.deployment,
    rpcUrl: chain.rpcUrl,
    blocks,
    carrierKey: carrier.key,
  });
  const requester = await chain.actor(1, front.url);
  await requester.assay.deposit(10n ** 11n);
  const furtherProvider = async (place: number) => {
    const further = await chain.actor(place, front.url);
    await further.assay.deposit(10n ** 11n);
    await further.assay.stake(10n ** 11n);
    return further;
  };
  const provider = await furtherProvider(2);
  return {
    chain,
    front,
    requester: requester.assay,
    provider: provider.assay,
    providerKey: provider.key,
    furtherProvider,
    store: contentStore(blocks),
    close: async () => {
      await front.close();
      await chain.close();
    },
  };
};

/** A small classifier on data of its own. */
export const smallJob = async (
  stage: Pick<Stage, "store">,
  {
    steps = 400,
    interval = 50,
    seed = 7n,
    hidden = 16,
  }: { steps?: number; interval?: number; seed?: bigint; hidden?: number } = {},
) => {
  const { program, file } = smallTraining({ steps, interval, hidden });
  const columns = selectTensors(file, program.data);
  const programCid = await stage.store.putFile(new TextEncoder().encode(printProgram(program)));
  const dataCid = await stage.store.putFile(encodeSafetensors(file));
  const units = workUnits(program);
  return {
    program,
    inputs: { data: columns.map(({ words }) => words), parent: [], seed },
    named: {
      programRoot: programRoot(nodeHasher, program),
      dataRoot: tensorListRoot(nodeHasher, columns),
      programCid: digestOfCid(programCid),
      dataCid: digestOfCid(dataCid),
      steps,
      interval,
      seed,
      initUnits: units.init,
      stepUnits: units.step,
      evalUnits: units.eval,
    },
  };
};
export type SmallJob = Awaited<ReturnType<typeof smallJob>>;

/** A job of any size: its columns may lie in files. */
export type AnyJob = Pick<SmallJob, "program" | "named"> & { readonly inputs: Inputs };

/** The same job run here, to compare roots with. */
export const rerun = (job: { program: Program; inputs: SmallJob["inputs"] }): Promise<JobResult> =>
  runJob({ backend: wasmBackend, program: job.program, inputs: job.inputs });

/** Base units per work unit, 18 decimals: dear enough that small jobs do not round to nothing. */
export const UNIT_PRICE = 10n ** 15n;

let proposals = 0;

/** A signed request for the job as a proposal to the one provider; `change` may spoil it before it is signed. */
export const proposalFor = async (
  stage: Stage,
  job: Pick<SmallJob, "named">,
  change: Partial<Request> = {},
  terms: Partial<Pick<Proposal, "unitPrice" | "collateral">> = {},
): Promise<Proposal> => {
  // Tests that run side by side must not share one.
  const place = ++proposals;
  const { context } = stage.requester;
  const domain = domainOf(await context.deployment());
  const wallet = context.walletClient!;
  const account = wallet.account!;
  const constraints = constraintsSchema.parse({});
  const request: Request = {
    requester: account.address,
    nonce: BigInt(place),
    startRoot: zeroHash,
    startStep: 0,
    parentRoot: zeroHash,
    parentIndex: 0,
    numerics: 1,
    executor: 0,
    access: 0,
    replicas: 1,
    // A loaded machine measures a slow pace, and an agent refuses what it may not finish.
    runTime: 6_000,
    expiry: (await stage.chain.now()) + 6_000,
    exclusiveUntil: 0,
    matcher: zeroAddress,
    matcherFee: 0n,
    maximum: 10n ** 10n,
    auditLine: 0n,
    minCollateral: 0n,
    statedLoss: 0n,
    maxProtocolFeeBps: 500,
    constraintsHash: canonicalHash(constraints),
    ...job.named,
    ...change,
  };
  const unitPrice = terms.unitPrice ?? UNIT_PRICE;
  return {
    id: `proposal-${place}`,
    requestDigest: digestOf(domain, "Request", request),
    request,
    constraints,
    requestSignature: await wallet.signTypedData({
      account,
      ...typedData(domain, "Request", request),
    }),
    unitPrice,
    collateral: terms.collateral ?? priceOf(unitPrice, totalUnits(request)),
    answerBy: Math.floor(Date.now() / 1000) + 300,
  };
};

export interface RunningAgent {
  readonly child: ChildProcess;
  readonly ready: { provider: Hex; offer: Hex };
  /** Everything it logged, line by line. */
  readonly lines: string[];
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

const MAIN = new URL("../../../services/provider/main.ts", import.meta.url).pathname;

/** A folder and key file for an agent; removed by `remove`. */
const agentHome = async (
  key: Hex,
  engine: EngineSettings,
): Promise<{ home: string; remove: () => Promise<void> }> => {
  const home = await mkdtemp(join(tmpdir(), "assay-agent-"));
  await writeFile(join(home, "key"), `${key}\n`, { mode: 0o600 });
  // A known calibration, so that no test depends on how busy the machine is.
  await mkdir(join(home, "state"));
  const calibration = {
    version: 2,
    cpuModel: cpus()[0]?.model ?? "unknown",
    ...engine,
    unitsPerSecond: 2e10,
    at: Date.now(),
  };
  await writeFile(join(home, "state", "calibration.json"), JSON.stringify(calibration));
  return { home, remove: () => rm(home, { recursive: true, force: true }) };
};

/** Starts the agent as a process and waits until it has posted its offer. */
const startAgent = async (
  stage: Stage,
  home: string,
  environment: Record<string, string> = {},
): Promise<RunningAgent> => {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"],
      ASSAY_PROVIDER_KEY_FILE: join(home, "key"),
      ASSAY_PROVIDER_RPC_URL: stage.chain.rpcUrl,
      ASSAY_PROVIDER_API_URL: stage.front.url,
      ASSAY_PROVIDER_STATE_DIR: join(home, "state"),
      ASSAY_PROVIDER_PRICE: "1",
      ASSAY_PROVIDER_NAME: "test",
      ASSAY_PROVIDER_THREADS: "1",
      ASSAY_PROVIDER_LOG_LEVEL: "debug",
      ASSAY_PROVIDER_POLL_MS: "200",
      ...environment,
    },
  });
  const lines: string[] = [];
  const ready = await new Promise<RunningAgent["ready"]>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      if (process.env["ASSAY_TEST_VERBOSE"]) process.stderr.write(`${line}\n`);
      if (line.startsWith('{"ready":true')) resolve(JSON.parse(line) as RunningAgent["ready"]);
      if (line.startsWith('{"ready":false')) reject(new Error(line));
    });
    child.once("exit", (code, signal) =>
      reject(new Error(`${code ?? signal}\n${lines.join("\n")}`)),
    );
  });
  return {
    child,
    ready,
    lines,
    kill: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const gone = once(child, "exit");
      child.kill(signal);
      await gone;
      return child.exitCode;
    },
  };
};

/** Resolves with what `look` gives once it gives something. */
export const until = async <T>(
  look: () => Promise<T | undefined> | T | undefined,
  what: string | (() => string),
  milliseconds = 240_000,
): Promise<T> => {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end)
      throw new Error(`waited in vain for ${typeof what === "string" ? what : what()}`);
    await sleep(5);
  }
};

/** Kinds of the events in an agent's journal, in order. */
export const journalOf = async (
  home: string,
): Promise<{ kind: string; key?: string; jobId?: Hex; outcome?: string; paid?: string }[]> => {
  const text = await readFile(join(home, "state", "journal.jsonl"), "utf8").catch(() => "");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { kind: string });
};

/** The first event of this kind in an agent's journal, once it is there. */
export const eventOf = (home: string, kind: string) =>
  until(async () => (await journalOf(home)).find((event) => event.kind === kind), kind);

interface Agents {
  readonly home: string;
  readonly start: (environment?: Record<string, string>) => Promise<RunningAgent>;
}

/** A fresh home for agents with this key, the stage's provider's unless told; agents and home are gone when the test is. */
export const agentsFor = async (
  stage: Stage,
  t: TestContext,
  key: Hex = stage.providerKey,
  engine: EngineSettings = PLAIN_ENGINE,
): Promise<Agents> => {
  const { home, remove } = await agentHome(key, engine);
  const started: Promise<RunningAgent>[] = [];
  t.after(async () => {
    for (const starting of started)
      await starting.then((agent) => agent.kill("SIGKILL")).catch(() => undefined);
    // Only now: a folder in which somebody still writes cannot always be removed.
    await remove();
  });
  return {
    home,
    start: (environment) => {
      const starting = startAgent(stage, home, environment);
      started.push(starting);
      return starting;
    },
  };
};

/** {@link agentsFor}, with one started. */
export const agentFor = async (
  stage: Stage,
  t: TestContext,
  environment: Record<string, string> = {},
  key?: Hex,
): Promise<Agents & { readonly agent: RunningAgent }> => {
  const agents = await agentsFor(stage, t, key);
  return { ...agents, agent: await agents.start(environment) };
};

/** Events of this name that the market has emitted about a job. */
export const marketEvents = (
  { chain, requester }: Stage,
  jobId: Hex,
  eventName: "Submitted" | "Settled",
) =>
  requester.context.publicClient.getContractEvents({
    address: chain.deployment.contracts.market,
    abi: marketAbi,
    eventName,
    args: { jobId },
    fromBlock: 0n,
  });

/** Lets the chain's time pass to one second after `end`, where it is not later already. */
export const skipPast = async ({ chain }: Pick<Stage, "chain">, end: number): Promise<void> => {
  await chain.skip(Math.max(1, end - (await chain.now()) + 1));
};

/** Waits for something to be presented of each of the jobs, and lets the chain's time pass to the end of all their windows. */
export const skipWindow = async (stage: Stage, ...jobIds: readonly Hex[]): Promise<void> => {
  const windowEnd = async (jobId: Hex): Promise<number | undefined> => {
    const { progress } = (await stage.requester.jobFromChain(jobId)).job;
    return progress.windowEnd === 0 ? undefined : progress.windowEnd;
  };
  const ends = jobIds.map((jobId) => until(() => windowEnd(jobId), `a submission of ${jobId}`));
  await skipPast(stage, Math.max(...(await Promise.all(ends))));
};
