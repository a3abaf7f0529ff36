/** What the agent is doing, as a file that other programs read: rewritten whole, so a reader never sees half of it. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import { AssayError } from "@assay/protocol/errors";
import { address, bytes32, uint128, uint256 } from "@assay/protocol/wire/scalars";
import { toWire } from "@assay/protocol/wire/scalars";

const jobSchema = z.object({
  jobId: bytes32,
  phase: z.string(),
  step: z.int(),
  steps: z.int(),
  checkpoint: z.int(),
  loss: z.number().nullable(),
  stepsPerSecond: z.number(),
  secondsLeft: z.number(),
  price: uint128,
  collateral: uint128,
  /** Unix seconds; null until known. */
  deadline: z.int().nullable(),
  windowEnd: z.int().nullable(),
});

const disputeSchema = z.object({
  gameId: uint256,
  jobId: bytes32,
  challenger: address,
  /** What is disputed and whose move it is, in plain words. */
  place: z.string(),
  ourMove: z.boolean(),
  /** Unix seconds by the chain's clock until which the side to move can; null where no clock runs. */
  deadline: z.int().nullable(),
  /** Collateral and price that the provider loses with the game, and the bond that it wins. Token base units. */
  atRisk: uint256,
  bond: uint256,
  /** Code of what keeps us from answering; null while nothing does. */
  problem: z.string().nullable(),
});
export type DisputeStatus = z.output<typeof disputeSchema>;

export const statusSchema = z.object({
  pid: z.int(),
  /** Unix milliseconds. */
  updatedAt: z.int(),
  provider: address,
  name: z.string().nullable(),
  state: z.enum(["starting", "idle", "running", "draining", "stopped"]),
  whyIdle: z.string().nullable(),
  capacity: z.int(),
  unitsPerSecond: z.number(),
  unitPrice: uint256,
  offer: bytes32.nullable(),
  stake: z.object({ total: uint128, locked: uint128, leaving: uint128 }),
  /** Paid out for jobs of this journal; price of those submitted and not settled yet. Token base units. */
  earned: uint128,
  pending: uint128,
  jobs: z.array(jobSchema),
  /** Live disputes about this provider's results, the most urgent first. */
  disputes: z.array(disputeSchema),
  /** Latest refusals, newest first. */
  refusals: z.array(z.object({ at: z.int(), code: z.string(), reason: z.string() })),
  lastError: z.string().nullable(),
});

export type AgentStatus = z.output<typeof statusSchema>;

/** Reads an agent's status. @throws AGENT_STATUS_MISSING */
export const readStatus = async (path: string): Promise<AgentStatus> => {
  try {
    return statusSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new AssayError("AGENT_STATUS_MISSING", `no agent has left its status in ${path}`, {
      remedy: "Start it with `assay provider start`, or name its state folder.",
      cause,
    });
  }
};

export interface StatusFile {
  /** Writes soon; several changes in a row are one write. */
  readonly changed: () => void;
  /** Writes now. */
  flush(): Promise<void>;
}

const SETTLE_MS = 200;

export const createStatusFile = (path: string, snapshot: () => AgentStatus): StatusFile => {
  let timer: NodeJS.Timeout | undefined;
  let lane: Promise<void> = Promise.resolve();
  const writeAfter = async (before: Promise<void>): Promise<void> => {
    await before;
    try {
      await writeFile(`${path}.part`, `${JSON.stringify(toWire(snapshot()))}\n`);
      await rename(`${path}.part`, path);
    } catch {
      // A full disk must not stop a job over its status.
    }
  };
  const write = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    lane = writeAfter(lane);
    return lane;
  };
  return {
    changed: () => {
      timer ??= setTimeout(() => void write(), SETTLE_MS).unref();
    },
    flush: write,
  };
};
