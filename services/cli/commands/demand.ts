import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import pc from "picocolors";
import { isAddressEqual, zeroAddress, type Hex } from "viem";
import { parseProgram } from "@assay/engine/ir/json";
import { programParts, programRoot } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { toHex } from "@assay/protocol/commitments/hash";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { parametersAbi } from "@assay/protocol/generated/abis";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import { read } from "@assay/sdk/chain/read";
import { bringPayment } from "@assay/sdk/disputes/act";
import {
  closeDemand,
  demandChunk,
  demandFeeOf,
  demandStatusOf,
  timeoutDemand,
  type DemandStatus,
} from "@assay/sdk/disputes/demanding";
import type { Demand, DemandRecord } from "@assay/sdk/disputes/demands";
import { demandRecords } from "@assay/sdk/disputes/read";
import { stakesOf } from "@assay/sdk/disputes/turn";
import { cidOfDigest } from "@assay/storage/cid";
import { readAll } from "@assay/storage/content";
import { describeBytes, describeChunk, modelTensors, pickChunk } from "../disputes/chunks.ts";
import type { Session } from "../home/session.ts";
import { confirm } from "../terminal/ask.ts";
import { formatAmount, formatSeconds, shortHex, type Token } from "../terminal/format.ts";
import { untilInterrupted } from "../terminal/interrupt.ts";
import { sessionOf, tokenOf } from "./common.ts";
import { jobIdOf } from "./jobs.ts";

interface DemandOptions {
  readonly tensor?: string;
  readonly chunk?: string;
  readonly again?: boolean;
  readonly list?: boolean;
  readonly yes?: boolean;
  readonly content?: string;
}

/** A demand with what became of it. */
interface Standing {
  readonly demand: DemandRecord;
  readonly status: DemandStatus;
}

const SHORTEST_POLL_MS = 500;
const LONGEST_POLL_MS = 5_000;
/** Between two looks, of the time that the provider has left. */
const POLL_SHARE = 1 / 200;

/** Answers of the contracts that mean that somebody else ended the demand or its job first. */
const OVERTAKEN = new Set([
  "DISPUTE_DONE",
  "DISPUTE_WRONG_JOB",
  "DISPUTE_JOB_NOT_OVER",
  "MARKET_WRONG_STATE",
  "MARKET_WRONG_RECORD",
]);

const WORDS: Readonly<Record<DemandStatus, string>> = {
  waiting: "waits for the provider",
  overdue: "not shown in time: the provider can be slashed",
  shown: "shown on chain",
  slashed: "not shown: the provider was slashed",
  returnable: "the job ended otherwise: the fee can be taken back",
  returned: "the job ended otherwise: the fee went back",
};

const chainTime = async ({ reader }: Session): Promise<number> =>
  Number((await reader.context.publicClient.getBlock()).timestamp);

const standingsOf = async (session: Session, found: ChainJob): Promise<Standing[]> => {
  const { context } = session.reader;
  const [now, records] = await Promise.all([
    chainTime(session),
    demandRecords(context, found.job.terms),
  ]);
  const { state } = found;
  return Promise.all(
    records.map(async (demand) => ({
      demand,
      status: await demandStatusOf(context, demand, { state, now }),
    })),
  );
};

const isOver = ({ status }: Standing): boolean =>
  status === "shown" || status === "slashed" || status === "returned";

/** The job's program, by content hash. @throws `PROGRAM_ROOT_MISMATCH`, `CONTENT_…` */
const programOf = async (
  session: Session,
  { job: { terms }, programCid }: ChainJob,
  source: string | undefined,
): Promise<Program> => {
  const content = await session.content(source);
  const text = new TextDecoder().decode(await readAll(content, cidOfDigest(programCid)));
  const program = parseProgram(text);
  const root = programRoot(nodeHasher, program);
  if (root === terms.programRoot) return program;
  throw new AssayError(
    "PROGRAM_ROOT_MISMATCH",
    `the program has root ${root}, the chain says ${terms.programRoot}`,
    { remedy: "fetch it from another content store: --content" },
  );
};

/** Only a result that stands, in its window. @throws `DEMAND_NOT_SUBMITTED`, `DEMAND_TOO_LATE` */
const requireOpen = async (session: Session, { job, state }: ChainJob): Promise<void> => {
  const { jobId, disputes } = job.terms;
  if (state !== "submitted" || disputes === zeroAddress)
    throw new AssayError("DEMAND_NOT_SUBMITTED", `job ${shortHex(jobId)} is ${state}`, {
      remedy: "only the model of a result that waits for its window can be asked for",
    });
  const late = (await chainTime(session)) - job.progress.windowEnd;
  if (late > 0)
    throw new AssayError("DEMAND_TOO_LATE", `its window ended ${late} s ago`, {
      remedy: "nothing can be asked for on chain any more; see `assay pull`",
    });
};

/** What is at stake; asks once, pays, asks on chain. */
const demand = async (
  session: Session,
  found: ChainJob,
  token: Token,
  options: DemandOptions,
): Promise<Demand> => {
  const { output, assay, reader } = session;
  const { job } = found;
  const { disputes, paramsVersion } = job.terms;
  await requireOpen(session, found);
  const program = await programOf(session, found, options.content);
  const tensors = modelTensors(program);
  const place = pickChunk(tensors, options, randomInt);
  const { contracts } = await reader.context.deployment();
  const [fee, params] = await Promise.all([
    demandFeeOf(reader.context, job),
    read(reader.context, {
      address: contracts.parameters,
      abi: parametersAbi,
      functionName: "paramsAt",
      args: [paramsVersion],
    }),
  ]);
  const stake = stakesOf({ bond: fee }, job, params);
  const amount = (value: bigint): string => formatAmount(value, token);
  const drawn = options.chunk === undefined ? ", drawn at random" : "";
  output.line(`${describeChunk(place, tensors)}${drawn}`);
  output.line(
    `fee ${amount(fee)}: the provider's once it has shown the chunk, yours again if it does not`,
  );
  output.line(
    `it has ${formatSeconds(params.disputeClock)}; without an answer it loses ${amount(stake.provider)} (price and collateral): the price goes back to the requester, up to ${amount(stake.reward)} of reward to you`,
  );
  await confirm(`Demand this chunk for ${amount(fee)}?`, options.yes ?? false);
  for (const { name, hash } of await bringPayment(assay.context, disputes, fee))
    output.line(pc.dim(`${name}  tx ${shortHex(hash)}`));
  const { header, initRoot, stepRoot, evalRoot } = programParts(nodeHasher, program);
  const lists = { init: initRoot, step: stepRoot, eval: evalRoot };
  const asked = await demandChunk(assay.context, job, { header: toHex(header), lists }, place);
  output.good(`demand ${asked.demand.demandId}${pc.dim(`  tx ${shortHex(asked.hash)}`)}`);
  return asked.demand;
};

/** Ends a demand that its time or its job has ended; whoever was faster, the next look shows it. */
const end = async ({ assay }: Session, { demand: one, status }: Standing): Promise<void> => {
  const { job } = await assay.jobFromChain(one.jobId);
  try {
    if (status === "overdue") await timeoutDemand(assay.context, one, job);
    else await closeDemand(assay.context, one);
  } catch (error) {
    if (!isAssayError(error) || !OVERTAKEN.has(error.code)) throw error;
  }
};

/** Waits for what becomes of a demand, and ends it where the provider did not answer. */
const follow = async (
  session: Session,
  { jobId, demandId }: Demand,
  signal: AbortSignal,
): Promise<Standing> => {
  const { output, reader } = session;
  for (;;) {
    signal.throwIfAborted();
    let wait = SHORTEST_POLL_MS;
    try {
      const all = await standingsOf(session, await reader.jobFromChain(jobId));
      const known = all.find((one) => one.demand.demandId === demandId);
      if (known !== undefined && isOver(known)) return known;
      if (known?.status === "waiting") {
        const left = known.demand.until - (await chainTime(session));
        output.live(`the provider has ${formatSeconds(Math.max(0, left))} left to show it`);
        wait = Math.min(LONGEST_POLL_MS, Math.max(wait, left * 1_000 * POLL_SHARE));
      } else if (known !== undefined) await end(session, known);
    } catch (error) {
      // The demand stands whatever the node answers.
      if (!isAssayError(error) || !error.retryable) throw error;
      output.live(`${error.message}; asking again`);
    }
    await sleep(wait, undefined, { signal });
  }
};

/** A demand as `--json` gives it. */
const plain = ({ demand: one, status }: Standing) => ({
  id: one.demandId,
  contract: one.disputes,
  asker: one.asker,
  tensor: one.tensor,
  chunk: one.chunk,
  fee: one.fee,
  until: one.until,
  status,
  bytes: one.bytes ?? null,
});

const tell = (session: Session, { demand: one, status }: Standing, token: Token): void => {
  const { output } = session;
  const fee = formatAmount(one.fee, token);
  if (status === "shown" && one.bytes !== undefined) {
    output.good(`${describeChunk(one)} was shown on chain and belongs to the result`);
    output.line(describeBytes(one.bytes));
    output.line(`the fee of ${fee} went to the provider`);
  } else if (status === "slashed") {
    output.good(`${describeChunk(one)} was not shown in time: the provider was slashed`);
    output.line(`the fee of ${fee} and any reward are in the balance of ${one.asker}`);
  } else output.line(`${WORDS[status]}: ${fee}`);
};

const list = (session: Session, standings: readonly Standing[], token: Token): void => {
  const { output } = session;
  if (standings.length === 0) return output.line("nothing was demanded");
  return output.table([
    ["demand", "tensor", "chunk", "asked by", "fee", "what became of it"],
    ...standings.map(({ demand: one, status }) => [
      String(one.demandId),
      String(one.tensor),
      String(one.chunk),
      shortHex(one.asker),
      formatAmount(one.fee, token),
      WORDS[status],
    ]),
  ]);
};

/** The signer's own demand that is not over, unless another one is wanted; a new one where there is none. */
const takeUp = async (
  session: Session,
  found: ChainJob,
  token: Token,
  options: DemandOptions,
): Promise<Demand> => {
  const own = session.account().address;
  const open = (await standingsOf(session, found)).find(
    (one) => !isOver(one) && isAddressEqual(one.demand.asker, own),
  );
  if (open === undefined || options.again === true) return demand(session, found, token, options);
  session.output.line(`goes on with demand ${open.demand.demandId}: ${describeChunk(open.demand)}`);
  return open.demand;
};

export const registerDemand = (program: Command): void => {
  program
    .command("demand <job>")
    .description("have a chunk of a model that is withheld shown on chain, or its provider slashed")
    .option("--tensor <name>", "tensor of the model, by name or place; default: drawn at random")
    .option("--chunk <number>", "chunk of that tensor, from 0; default: drawn at random")
    .option("--again", "demand another chunk although one of yours is not over")
    .option("--list", "only show what was demanded of this job, and what became of it")
    .option("--yes", "do not ask")
    .option("--content <source>", "folder or gateway URL for the program; default: the market's")
    .addHelpText(
      "after",
      "\nFor a result whose file cannot be fetched. Waits until the provider has shown the chunk, and has it slashed if it does not in time.\nCtrl-C leaves; the same command goes on with the demand. A chunk is 1 KiB: this makes withholding dear, it is no way to download a model.\n\nExample:\n  assay demand 0x12ab34",
    )
    .action(async (text: string, options: DemandOptions, command: Command) => {
      const session = await sessionOf(command);
      const { output, reader } = session;
      const token = await tokenOf(session);
      const jobId: Hex = await jobIdOf(session, text);
      const found = await reader.jobFromChain(jobId);
      if (options.list === true) {
        output.step(`Demands about job ${shortHex(jobId)}`);
        const standings = await standingsOf(session, found);
        list(session, standings, token);
        return output.result({ jobId, demands: standings.map(plain) });
      }
      output.step(`Demand about job ${shortHex(jobId)}`);
      const ended = await untilInterrupted(
        async (signal) => follow(session, await takeUp(session, found, token, options), signal),
        () => output.line(`left; the demand stands: assay demand ${jobId} goes on with it`),
      );
      if (ended === undefined) return undefined;
      tell(session, ended, token);
      return output.result({ jobId, ...plain(ended) });
    });
};
