/** Providers whose results are wrong, with a market front and a chain around them, and a watcher as a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeOp } from "@assay/engine/ir/decode";
import { scalarStep } from "@assay/engine/reference/scalar";
import { referenceWalker } from "@assay/engine/reference/walk";
import { openGameRun, type GameRun } from "@assay/engine/trace/game/game";
import { runJob } from "@assay/engine/trace/run";
import { wasmBackend } from "@assay/engine/wasm/backend";
import type { Words } from "@assay/engine/backend";
import type { Claims, ProviderMove } from "@assay/protocol/domain/disputes";
import { fromHex } from "@assay/protocol/commitments/hash";
import type { Acceptance, Submission } from "@assay/protocol/domain/messages";
import { marketAbi } from "@assay/protocol/generated/abis";
import { digestOf, typedData } from "@assay/protocol/signing/typed-data";
import type { Proposal } from "@assay/protocol/wire/api";
import type { Assay } from "@assay/sdk";
import { write } from "@assay/sdk/chain/write";
import { domainOf } from "@assay/sdk/context";
import { play } from "@assay/sdk/disputes/act";
import type { Game } from "@assay/sdk/disputes/game";
import { findGames, readGame } from "@assay/sdk/disputes/read";
import { turnOf } from "@assay/sdk/disputes/turn";
import { concatHex, keccak256, stringToHex, type Hex } from "viem";
import { lazyBackend, lazyWalker } from "../../support/cheat.ts";
import { proposalFor, until, type AnyJob, type SmallJob, type Stage } from "../provider/story.ts";

export interface Wrong {
  /** Half of the training is skipped; undefined: all of it is done. */
  readonly lazy?: boolean;
  /** Another root than the right one. */
  readonly forged?: "modelRoot" | "evalRoot";
}

export interface Submitted {
  readonly jobId: Hex;
  readonly disputes: Hex;
  readonly provider: Assay;
  /** What the provider answers with. */
  readonly run: GameRun;
  readonly roots: readonly Hex[];
}

/** A staked provider agrees to a job. Returns its id. */
export const agreeTo = async (provider: Assay, proposal: Proposal): Promise<Hex> => {
  const { context } = provider;
  const deployment = await context.deployment();
  const domain = domainOf(deployment);
  const wallet = context.walletClient!;
  const account = wallet.account!;
  const acceptance: Acceptance = {
    requestDigest: proposal.requestDigest,
    provider: account.address,
    unitPrice: proposal.unitPrice,
    collateral: proposal.collateral,
    nonce: BigInt(proposal.id.length) + proposal.request.nonce,
    expiry: proposal.request.expiry,
    paramsVersion: (await provider.parameters()).version,
  };
  const signature = await wallet.signTypedData({
    account,
    ...typedData(domain, "Acceptance", acceptance),
  });
  await write(context, {
    address: deployment.contracts.market,
    abi: marketAbi,
    functionName: "agree",
    args: [proposal.request, proposal.requestSignature, acceptance, signature],
  });
  return digestOf(domain, "Acceptance", acceptance);
};

/** What a provider says came out of a job, and the run that it answers with. */
export const wrongResult = async (
  { program, inputs }: Pick<AnyJob, "program" | "inputs">,
  jobId: Hex,
  { lazy = false, forged }: Wrong,
): Promise<{
  readonly submission: Submission;
  readonly run: GameRun;
  readonly roots: readonly Hex[];
}> => {
  const backend = lazy ? lazyBackend(wasmBackend) : wasmBackend;
  const states: (readonly Words[])[] = [];
  const result = await runJob({
    backend,
    program,
    inputs,
    onCheckpoint: ({ state }) => void states.push(state),
  });
  const forgery = keccak256(stringToHex("another result"));
  const run = openGameRun({
    program,
    inputs,
    checkpoints: {
      roots: result.checkpointRoots,
      load: async (index) => states[index]?.map((words) => words.slice()),
    },
    backend,
    walker: lazy ? lazyWalker(referenceWalker) : referenceWalker,
  });
  const submission = {
    jobId,
    checkpoint: result.n,
    prefixRoot: result.prefixRoot,
    stateRoot: result.stateRoot,
    modelRoot: forged === "modelRoot" ? forgery : result.modelRoot,
    evalRoot: forged === "evalRoot" ? forgery : result.evalRoot,
    modelCid: forgery,
  };
  return { submission, run, roots: result.checkpointRoots };
};

/** A staked provider agrees to a job and submits at once what it says came out. */
export const submitWrong = async (
  stage: Stage,
  provider: Assay,
  job: AnyJob,
  wrong: Wrong,
): Promise<Submitted> => {
  const jobId = await agreeTo(provider, await proposalFor(stage, job));
  const { submission, run, roots } = await wrongResult(job, jobId, wrong);
  const { job: record } = await provider.jobFromChain(jobId);
  const { contracts } = await provider.context.deployment();
  await write(provider.context, {
    address: contracts.market,
    abi: marketAbi,
    functionName: "submit",
    args: [record, submission],
  });
  return { jobId, disputes: record.terms.disputes, provider, run, roots };
};

export interface Committed extends Submitted {
  /** Shows what was committed to, as soon as the contract takes it. */
  reveal(): Promise<void>;
}

/** A staked provider agrees to a job that must commit, and commits to what it says came out. */
export const commitWrong = async (
  provider: Assay,
  job: SmallJob,
  proposal: Proposal,
  wrong: Wrong,
): Promise<Committed> => {
  const { context } = provider;
  const deployment = await context.deployment();
  const market = { address: deployment.contracts.market, abi: marketAbi } as const;
  const jobId = await agreeTo(provider, proposal);
  const { submission, run, roots } = await wrongResult(job, jobId, wrong);
  const { job: record } = await provider.jobFromChain(jobId);
  const salt = keccak256(jobId);
  const digest = digestOf(domainOf(deployment), "Submission", submission);
  const commitment = keccak256(concatHex([digest, salt]));
  await write(context, { ...market, functionName: "commit", args: [record, commitment] });
  return {
    jobId,
    disputes: record.terms.disputes,
    provider,
    run,
    roots,
    reveal: async () => {
      const { job: committed } = await provider.jobFromChain(jobId);
      const args = [committed, submission, salt] as const;
      await write(context, { ...market, functionName: "reveal", args });
    },
  };
};

/** Claims with which the disputed bits come out, where the true ones give others: an operand's value is not what was committed. */
const lyingClaims = (job: SmallJob, { position }: Game, op: Hex, claims: Claims): Claims => {
  const decoded = decodeOp(fromHex(op));
  const gives = (values: Claims["values"]): boolean =>
    scalarStep(decoded, position.accumulator, values, job.inputs.seed) === position.bits;
  for (const [k, operand] of decoded.operands.entries()) {
    if (!("index" in operand.source)) continue;
    for (const guess of [0, 0x80000000, position.bits, ...claims.values]) {
      const values = claims.values.with(k, guess) as [number, number, number];
      if (gives(values)) return { ...claims, values };
    }
  }
  return claims;
};

export interface PlayOptions {
  /** Claims wrong operands where the right ones would show it. */
  readonly lies?: SmallJob;
  /** Called before each of the provider's moves. */
  readonly before?: (game: Game) => Promise<void>;
}

/**
 * Plays the provider's side of the first game about its job until no move of its own is taken by the contract. Returns the game as it
 * stands then.
 */
export const playWrong = async (
  { jobId, disputes, provider, run }: Submitted,
  { lies, before = async () => undefined }: PlayOptions = {},
): Promise<Game> => {
  const { context } = provider;
  const [id] = await until(
    async () => {
      const found = await findGames(context, disputes, { jobIds: [jobId] });
      return found.length > 0 ? found : undefined;
    },
    `a challenge of ${jobId}`,
    300_000,
  );
  for (;;) {
    const game = await readGame(context, id!);
    if (game.end !== undefined) return game;
    if (turnOf(game) !== "provider") {
      await sleep(50);
      continue;
    }
    await before(game);
    try {
      const move = await run.answer(game.position, game.shown.claims);
      await play(context, game, lies === undefined ? move : lying(lies, game, move));
    } catch {
      return game;
    }
  }
};

const lying = (job: SmallJob, game: Game, move: ProviderMove): ProviderMove =>
  move.move === "judge" ? { ...move, claims: lyingClaims(job, game, move.op, move.claims) } : move;

export interface RunningWatcher {
  /** Everything it logged, parsed. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
  /** Resolves with the first event, of those so far and to come, that has this message. */
  said(message: string, jobId?: Hex): Promise<Readonly<Record<string, unknown>>>;
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

const MAIN = new URL("../../../services/watcher/main.ts", import.meta.url).pathname;

/** A folder and key file for a watcher. */
export const watcherHome = async (
  key: Hex,
): Promise<{ home: string; remove: () => Promise<void> }> => {
  const home = await mkdtemp(join(tmpdir(), "assay-watcher-"));
  await writeFile(join(home, "key"), `${key}\n`, { mode: 0o600 });
  return { home, remove: () => rm(home, { recursive: true, force: true }) };
};

/** Starts the watcher as a process and waits until it watches. */
export const startWatcher = async (
  stage: {
    readonly chain: Pick<Stage["chain"], "rpcUrl">;
    readonly front: Pick<Stage["front"], "url">;
  },
  home: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningWatcher> => {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env["PATH"],
      ASSAY_WATCHER_KEY_FILE: join(home, "key"),
      ASSAY_WATCHER_RPC_URL: stage.chain.rpcUrl,
      ASSAY_WATCHER_API_URL: stage.front.url,
      ASSAY_WATCHER_STATE_DIR: join(home, "state"),
      ASSAY_WATCHER_THREADS: "1",
      ASSAY_WATCHER_LOG_LEVEL: "debug",
      ASSAY_WATCHER_POLL_MS: "100",
      ...environment,
    },
  });
  const events: Readonly<Record<string, unknown>>[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (process.env["ASSAY_TEST_VERBOSE"]) process.stderr.write(`${line}\n`);
      const event = JSON.parse(line) as Readonly<Record<string, unknown>>;
      events.push(event);
      if (event["ready"] === true) resolve();
      if (event["ready"] === false) reject(new Error(line));
    });
    child.once("exit", (code, signal) =>
      reject(new Error(`${code ?? signal}\n${JSON.stringify(events, undefined, 1)}`)),
    );
  });
  return {
    events,
    said: (message, jobId) =>
      until(
        () =>
          events.find(
            (event) =>
              event["msg"] === message && (jobId === undefined || event["jobId"] === jobId),
          ),
        () => `“${message}”; it said ${JSON.stringify(events.slice(-20), undefined, 1)}`,
        300_000,
      ),
    kill: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const gone = once(child, "exit");
      child.kill(signal);
      await gone;
      return child.exitCode;
    },
  };
};

/** Kinds and fields of what a watcher's journal holds. */
export const journalOf = async (
  home: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const text = await readFile(join(home, "state", "journal.jsonl"), "utf8").catch(() => "");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
};
