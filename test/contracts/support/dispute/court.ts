/** A market whose jobs can be disputed, with a job submitted on it. */
import type { Contract, ContractTransactionReceipt, Interface, Wallet } from "ethers";
import { Wallet as NewWallet } from "ethers";
import local from "../../../../deploy/parameters/local.json" with { type: "json" };
import type { Hex } from "@assay/protocol/commitments/hash";
import { ABSENT, toHex } from "@assay/protocol/commitments/hash";
import { treeRoot } from "@assay/protocol/commitments/tree";
import { programParts, programRoot } from "@assay/engine/ir/root";
import { nodeHasher } from "@assay/engine/trace/hasher";
import type { Request } from "@assay/protocol/domain/messages";
import { TYPES } from "@assay/protocol/signing/typed-data";

import {
  TOKEN,
  connect,
  deployFixture,
  domainOf,
  follow,
  fund,
  fundAndStake,
  pairOf,
  root,
  submissionOf,
} from "../market.ts";
import type { Run } from "./run.ts";

export const WINDOW = 10_000;
export const CLOCK = 1_000;
export const BOND = TOKEN;

/** The words of a struct as events tell them and calls take them. */
export type Words = Readonly<Record<string, unknown>>;

export interface Position {
  readonly phase: bigint;
  readonly level: bigint;
  readonly node: Hex;
  readonly count: bigint;
  readonly index: bigint;
  readonly height: bigint;
  readonly last: Hex;
  readonly checkpoint: bigint;
  readonly step: bigint;
  readonly list: bigint;
  readonly lastOp: bigint;
  readonly op: bigint;
  readonly element: bigint;
  readonly term: bigint;
  readonly bits: bigint;
  readonly accumulatorKnown: boolean;
  readonly accumulator: bigint;
  readonly operands: bigint;
  readonly size: bigint;
  readonly terms: bigint;
  readonly claim: bigint;
}

export type Court = Awaited<ReturnType<typeof deployCourtHouse>>;

/** `gasPrice`: token base units for 1e9 gas; `numbers`: of the parameters. */
export async function deployCourtHouse({ gasPrice = 0n, numbers = {} } = {}) {
  const fixture = await deployFixture();
  const { ethers, market, deployer, treasury, parameters } = fixture;
  const referee = await ethers.deployContract("Referee");
  const faults = await ethers.deployContract("ProgramFaults");
  const proofs = await ethers.deployContract("Proofs", [referee]);
  const beacon = await ethers.deployContract("BlockBeacon");
  const parts = { market, referee, faults, proofs, beacon, gasPrice };
  const clerk = await ethers.deployContract("Clerk", [parts]);
  const moves = await ethers.deployContract("Disputes", [parts, clerk]);
  const disputes = await ethers.getContractAt("IDisputeGame", await moves.getAddress());
  const params = {
    ...local.first,
    treasury: treasury.address,
    disputes: await disputes.getAddress(),
    challengeWindow: WINDOW,
    unbonding: 2 * WINDOW,
    disputeClock: CLOCK,
    challengeBond: BOND,
    ...numbers,
  };
  await parameters.getFunction("add")(params);
  const challenger = new NewWallet(root("challenger"), ethers.provider);
  await (await deployer.sendTransaction({ to: challenger.address, value: 10n ** 19n })).wait();
  await (
    await deployer.sendTransaction({ to: fixture.provider.address, value: 10n ** 19n })
  ).wait();
  await fund(fixture, challenger, 1_000n * TOKEN);
  await fund(fixture, fixture.requester, 1_000n * TOKEN);
  await fundAndStake(fixture, 1_000n * TOKEN);
  await connect(market, challenger).getFunction("allowModule")(disputes, 10n ** 18n);
  return { ...fixture, referee, faults, disputes, challenger };
}

let nonces = 1_000n;
/** Requests of one court differ in it. */
export const nextNonce = (): bigint => ++nonces;

/** What a job may be agreed with beside the run's program. */
export interface JobOptions {
  readonly request?: Partial<Request>;
  readonly collateral?: bigint;
  /** Who runs it; the court's provider unless told. */
  readonly by?: Wallet;
}

/** Agrees a job for the run's program; the submission is what the run gives. */
export async function agreeRun(
  court: Court,
  run: Run,
  honest: Run,
  seed: bigint,
  { request: changes, collateral = 2n * TOKEN, by = court.provider }: JobOptions = {},
) {
  const { program } = run;
  const units = 1_500n + 100n * BigInt(program.steps);
  const rootsOf = (kind: "data" | "parent"): Hex =>
    treeRoot(
      nodeHasher,
      program[kind].map((type, i) => honest.rootOf(type, honest.inputs[kind][i] as never)),
    );
  const parentRoot = rootsOf("parent");
  if (parentRoot !== ABSENT) await recordModel(court, parentRoot);
  const request = {
    nonce: nextNonce(),
    programRoot: programRoot(nodeHasher, program),
    dataRoot: rootsOf("data"),
    parentRoot,
    seed,
    steps: program.steps,
    interval: program.interval,
    ...changes,
  };
  const job = await agreeJob(court, request, units, { collateral, by });
  const jobId = String(job.terms["jobId"]) as Hex;
  const submission = {
    jobId,
    checkpoint: run.checkpoints,
    prefixRoot: run.prefixRoot(),
    stateRoot: run.stateRoot(program.steps),
    modelRoot: treeRoot(nodeHasher, run.modelRoots()),
    evalRoot: treeRoot(nodeHasher, run.evaluationRoots()),
    modelCid: root("cid"),
  };
  const parts = programParts(nodeHasher, program);
  const lists = { init: parts.initRoot, step: parts.stepRoot, eval: parts.evalRoot };
  return { job, jobId, submission, header: toHex(parts.header), lists };
}

/** Agrees a job of about one token. */
export async function agreeJob(
  court: Court,
  request: Partial<Request>,
  units: bigint,
  { collateral = 2n * TOKEN, by = court.provider }: JobOptions = {},
): Promise<ReturnType<typeof follow>[number]> {
  const pair = await pairOf({ ...court, provider: by }, request, {
    paramsVersion: 2,
    unitPrice: (TOKEN * 10n ** 18n) / units + 1n,
    collateral,
  });
  const agreed = await (
    await court.market.getFunction("agree")(
      pair.request,
      pair.requestSignature,
      pair.acceptance,
      pair.acceptanceSignature,
    )
  ).wait();
  const [job] = follow(agreed);
  if (job === undefined) throw new Error("no job");
  return job;
}

/** Puts a model on record, for jobs that read it: a job that its requester signs off. */
export async function recordModel(court: Court, modelRoot: Hex): Promise<void> {
  if ((await court.provenance.getFunction("recordCount")(modelRoot)) > 0n) return;
  const { market } = court;
  const agreed = await agreeJob(court, { nonce: nextNonce() }, 11_500n);
  const jobId = String(agreed.terms["jobId"]);
  const submission = { ...submissionOf(jobId), modelRoot };
  const submit = connect(market, court.provider).getFunction("submit");
  const [job] = follow(await (await submit(agreed, submission)).wait(), [agreed]);
  if (job === undefined) throw new Error("no job");
  await signOff(court, job);
}

/** Settles a submitted job by its requester's signature. */
export async function signOff(court: Court, job: ReturnType<typeof follow>[number]): Promise<void> {
  const message = { jobId: job.terms["jobId"], traceRoot: job.progress["traceRoot"] };
  const signature = await court.requester.signTypedData(
    await domainOf(court),
    { SignOff: [...TYPES.SignOff] },
    message,
  );
  await (await court.market.getFunction("settleSignedOff")(job, message, signature)).wait();
}

/** Agrees a job for the run's program and submits what the run gives. */
export async function submitRun(
  court: Court,
  run: Run,
  honest: Run,
  seed: bigint,
  options: JobOptions = {},
) {
  const agreed = await agreeRun(court, run, honest, seed, options);
  const submit = connect(court.market, options.by ?? court.provider).getFunction("submit");
  const submitted = await (await submit(agreed.job, agreed.submission)).wait();
  const [job] = follow(submitted, [agreed.job]);
  if (job === undefined) throw new Error("no job");
  return { ...agreed, job };
}

type AgreedJob = Awaited<ReturnType<typeof agreeRun>>;

/** Commits to the submission of an agreed job, for its provider. */
export async function commitRun(
  court: Court,
  agreed: AgreedJob,
  by: Wallet = court.provider,
): Promise<AgreedJob> {
  const { market } = court;
  const commitment = await market.getFunction("commitmentOf")(agreed.submission, agreed.jobId);
  const commit = connect(market, by).getFunction("commit");
  await (await commit(agreed.job, commitment)).wait();
  const committedAt = await court.connection.networkHelpers.time.latest();
  const progress = { ...agreed.job.progress, commitment, committedAt };
  return { ...agreed, job: { ...agreed.job, progress } };
}

/** Shows what was committed to. */
export async function revealRun(court: Court, agreed: AgreedJob): Promise<SubmittedJob> {
  const reveal = court.market.getFunction("reveal");
  const receipt = await (await reveal(agreed.job, agreed.submission, agreed.jobId)).wait();
  const [job] = follow(receipt, [agreed.job]);
  if (job === undefined) throw new Error("no job");
  return { ...agreed, job };
}

export type SubmittedJob = Awaited<ReturnType<typeof submitRun>>;

/** One game as the events tell it. */
export interface Game {
  readonly id: bigint;
  readonly bindings: Words;
  position: Position & Words;
  /** What was shown last. */
  children: readonly Hex[];
  chunk: Hex;
  claims: { values: bigint[]; rows: bigint[]; accumulator: bigint };
  over: "provider lost" | "challenger lost" | undefined;
  readonly gas: { name: string; used: bigint }[];
}

export const NO_CHILDREN: readonly Hex[] = Array.from({ length: 16 }, () => ABSENT);

/** Takes what a move's receipt tells into the game. */
export function tell(abi: Interface, game: Game, receipt: ContractTransactionReceipt): void {
  for (const log of receipt.logs) {
    const event = abi.parseLog(log);
    if (event?.args["gameId"] !== game.id) continue;
    if (event.name === "Moved") game.position = event.args["position"].toObject();
    else if (event.name === "Opened") game.children = [...event.args["children"]];
    else if (event.name === "Revealed") game.chunk = event.args["chunk"];
    else if (event.name === "Claimed") {
      const { values, rows, accumulator } = event.args["claims"].toObject();
      game.claims = { values: [...values], rows: [...rows], accumulator };
    } else if (event.name === "ProviderLost") game.over = "provider lost";
    else if (event.name === "ChallengerLost") game.over = "challenger lost";
  }
}

export const TARGET = { checkpoint: 0, lastState: 1, model: 2, evaluation: 3 } as const;

/** Opens a game about a submission. */
export async function challenge(
  court: Court,
  job: SubmittedJob,
  target: number,
  by: Wallet = court.challenger,
): Promise<Game> {
  const disputes = connect(court.disputes, by);
  const tx = await disputes.getFunction("challenge")(
    job.job,
    job.submission.prefixRoot,
    job.header,
    job.lists,
    target,
  );
  return gameOf(court, await tx.wait());
}

/** The game that a receipt tells the begin of. */
export function gameOf(court: Court, receipt: ContractTransactionReceipt): Game {
  const abi = court.disputes.interface;
  const event = receipt.logs.map((log) => abi.parseLog(log)).find((e) => e?.name === "Challenged");
  if (!event) throw new Error("no game began");
  const game: Game = {
    id: event.args["gameId"],
    bindings: event.args["bindings"].toObject(),
    position: {} as Game["position"],
    children: NO_CHILDREN,
    chunk: "0x",
    claims: { values: [0n, 0n, 0n], rows: [0n, 0n, 0n], accumulator: 0n },
    over: undefined,
    gas: [{ name: "challenge", used: receipt.gasUsed }],
  };
  tell(abi, game, receipt);
  return game;
}

/** Sends one move; throws what the contract reverts with. */
export async function move(
  court: Court,
  game: Game,
  by: Wallet,
  name: string,
  ...args: readonly unknown[]
): Promise<void> {
  const contract: Contract = connect(court.disputes, by);
  const tx = await contract.getFunction(name)(game.id, game.position, ...args);
  const receipt: ContractTransactionReceipt = await tx.wait();
  game.gas.push({ name, used: receipt.gasUsed });
  tell(court.disputes.interface, game, receipt);
}
