/** Streams jobs: their newest state at each change, their agents' reports, and the end once all are over. */
import type { Logger } from "@assay/runtime/logger";
import type { Bus } from "../../bus.ts";
import type { PrismaClient } from "../../database/generated/client.ts";
import { coalesce, type EventStream } from "../sse.ts";
import { isFinal, jobView } from "../views/job.ts";

export interface JobStreamOptions {
  readonly prisma: PrismaClient;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly stream: EventStream;
}

/** Jobs to follow now; `complete`: no others will come. */
export interface Followed {
  readonly jobs: readonly string[];
  readonly complete: boolean;
}

/** Follows the jobs that `which` names, asking it again whenever something about `about` changes. */
export const followJobs = (
  { prisma, bus, logger, stream }: JobStreamOptions,
  which: () => Promise<Followed>,
  about: { readonly request?: string },
): void => {
  const sentJobs = new Map<string, string>();
  const sentReports = new Map<string, string>();
  let followed: readonly string[] = [];

  const sendOnce = (sent: Map<string, string>, key: string, event: string, data: unknown): void => {
    const text = JSON.stringify(data, (_key, value: unknown) =>
      typeof value === "bigint" ? value.toString() : value,
    );
    if (sent.get(key) === text) return;
    sent.set(key, text);
    stream.send(event, data);
  };

  const look = coalesce(
    async () => {
      if (stream.closed) return;
      const { jobs, complete } = await which();
      followed = jobs;
      let over = 0;
      for (const id of jobs) {
        const view = await jobView(prisma, id);
        if (view) {
          const { report, ...job } = view;
          sendOnce(sentJobs, id, "job", { ...job, report: null });
          if (report) sendOnce(sentReports, id, "progress", { jobId: id, report });
          if (isFinal(view.state)) over++;
        } else {
          const row = await prisma.apiReport.findUnique({ where: { jobId: id } });
          if (row) sendOnce(sentReports, id, "progress", { jobId: id, report: row.report });
        }
      }
      if (complete && over === jobs.length) stream.end();
    },
    (error) => logger.error({ err: error }, "a stream could not be served"),
  );

  const stops = [
    bus.on("request", ({ digest }) => digest === about.request && look()),
    bus.on("report", ({ jobId }) => followed.includes(jobId) && look()),
    bus.on("chain", ({ jobs }) => jobs.some((id) => followed.includes(id)) && look()),
    bus.onGap(look),
  ];
  stream.onClose(() => {
    for (const stop of stops) stop();
  });
  look();
};
