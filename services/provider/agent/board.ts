/** Collects what the status file shows. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Job, Offer } from "@assay/protocol/domain/messages";
import { priceOf, totalUnits } from "@assay/protocol/domain/money";
import type { ProgressReport, Refusal } from "@assay/protocol/wire/api";
import { provider as askProvider } from "@assay/sdk/actions/jobs";
import { stakeOf, type StakeView } from "@assay/sdk/actions/stake";
import type { AssayContext } from "@assay/sdk/context";
import type { Address, Hex } from "viem";
import { openJobs, type Memory } from "../journal/memory.ts";
import type { JobPhase } from "../jobs/drive.ts";
import type { AgentStatus } from "../status/status.ts";

export interface BoardParts {
  readonly provider: Address;
  readonly name: string | null;
  readonly capacity: number;
  readonly unitsPerSecond: number;
  readonly memory: () => Memory;
}

interface Live {
  readonly phase: JobPhase;
  readonly report: ProgressReport | undefined;
  readonly job: Job | undefined;
}

const KEPT_REFUSALS = 20;
const RECENT_MS = 600_000;
const ASK_MS = 10_000;

export type StatusBoard = ReturnType<typeof createStatusBoard>;

export const createStatusBoard = (parts: BoardParts) => {
  let listener: () => void = () => undefined;
  let disputes: () => AgentStatus["disputes"] = () => [];
  let state: "starting" | "running" | "draining" | "stopped" = "starting";
  let stake: StakeView | undefined;
  let offer: { unitPrice: bigint; digest: Hex } | undefined;
  let problem: string | undefined;
  let marketSays: string | undefined;
  let refusals: { at: number; code: string; reason: string }[] = [];
  const live = new Map<Hex, Live>();
  const changed = (): void => listener();
  const update = <A extends unknown[]>(change: (...rest: A) => void) => {
    return (...rest: A): void => {
      change(...rest);
      changed();
    };
  };

  const whyIdle = (): string | null => {
    if (state === "starting" || state === "stopped") return null;
    if (openJobs(parts.memory()).length > 0) return null;
    if (state === "draining") return "draining: takes no more jobs";
    if (problem !== undefined) return `no connection to the market (${problem})`;
    const [last] = refusals;
    if (last !== undefined && Date.now() - last.at < RECENT_MS) {
      const same = refusals.filter(({ code }) => code === last.code).length;
      return `refused ${same === 1 ? "a job" : `${same} jobs`}: ${last.code}, ${last.reason}`;
    }
    return marketSays ?? "no job has been proposed";
  };

  const jobs = (): AgentStatus["jobs"] =>
    openJobs(parts.memory()).map(({ jobId, request, acceptance, submission }) => {
      const { phase, report, job } = live.get(jobId) ?? {
        phase: "awaiting agreement",
        report: undefined,
        job: undefined,
      };
      return {
        jobId,
        phase,
        step: report?.step ?? (submission === undefined ? 0 : request.steps),
        steps: request.steps,
        checkpoint: report?.checkpoint ?? submission?.checkpoint ?? 0,
        loss: report?.loss ?? null,
        stepsPerSecond: report?.stepsPerSecond ?? 0,
        secondsLeft: report?.secondsLeft ?? 0,
        price: job?.terms.price ?? priceOf(acceptance.unitPrice, totalUnits(request)),
        collateral: acceptance.collateral,
        deadline: job?.terms.deadline ?? null,
        windowEnd:
          job === undefined || job.progress.windowEnd === 0 ? null : job.progress.windowEnd,
      };
    });

  return {
    changed,
    onChange: (next: () => void): void => {
      listener = next;
    },
    /** Where the live disputes are asked for. */
    onDisputes: (next: typeof disputes): void => {
      disputes = next;
    },
    state: update((next: typeof state) => {
      state = next;
    }),
    stake: update((view: StakeView) => {
      stake = view;
    }),
    offer: update(({ unitPrice }: Offer, digest: Hex) => {
      offer = { unitPrice, digest };
    }),
    connection: update((next: string | undefined) => {
      problem = next;
    }),
    refused: update((refusal: Refusal) => {
      refusals = [{ at: Date.now(), ...refusal }, ...refusals].slice(0, KEPT_REFUSALS);
    }),
    phase: update((jobId: Hex, phase: JobPhase, job: Job | undefined) => {
      live.set(jobId, { phase, report: live.get(jobId)?.report, job: job ?? live.get(jobId)?.job });
    }),
    report: update((jobId: Hex, report: ProgressReport) => {
      live.set(jobId, { phase: report.phase, report, job: live.get(jobId)?.job });
    }),
    ended: update((jobId: Hex) => {
      live.delete(jobId);
    }),
    /** Looks at the stake now and then, and asks the market why there is no work while there is none. */
    keepAsking: async (context: AssayContext, signal: AbortSignal): Promise<void> => {
      while (!signal.aborted) {
        await sleep(ASK_MS, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        stake = await stakeOf(context, parts.provider).catch(() => stake);
        if (openJobs(parts.memory()).length === 0)
          marketSays = await askProvider(context, parts.provider).then(
            (view) => view.whyIdle,
            () => undefined,
          );
        changed();
      }
    },
    snapshot: (): AgentStatus => {
      const memory = parts.memory();
      const open = jobs();
      const { total = 0n, locked = 0n, leaving = 0n } = stake ?? {};
      return {
        pid: process.pid,
        updatedAt: Date.now(),
        provider: parts.provider,
        name: parts.name,
        state: state === "running" && open.length === 0 ? "idle" : state,
        whyIdle: whyIdle(),
        capacity: parts.capacity,
        unitsPerSecond: parts.unitsPerSecond,
        unitPrice: offer?.unitPrice ?? 0n,
        offer: offer?.digest ?? null,
        stake: { total, locked, leaving },
        earned: memory.earned,
        pending: open
          .filter(({ jobId }) => memory.jobs.get(jobId)?.submitted)
          .reduce((sum, { price }) => sum + price, 0n),
        jobs: open,
        disputes: disputes(),
        refusals,
        lastError: problem ?? null,
      };
    },
  };
};
