import { AssayError } from "@assay/protocol/errors";
import { JOB_STATES } from "@assay/protocol/domain/states";
import { jobViewSchema, progressReportSchema } from "@assay/protocol/wire/api";
import { address, bytes32, toWire } from "@assay/protocol/wire/scalars";
import { z } from "zod";
import type { App, RouteDeps } from "../deps.ts";
import { isFinal, jobView, jobViews } from "../views/job.ts";
import { followJobs } from "./job-stream.ts";
import { decodeCursor, encodeCursor, pageOf, pageQuery } from "./paging.ts";

const idParams = z.object({ id: bytes32 });
const jobsQuery = pageQuery.extend({
  requester: address.optional(),
  provider: address.optional(),
  state: z.enum(JOB_STATES).optional(),
});

const unknown = (): AssayError =>
  new AssayError("JOB_UNKNOWN", "This market has not seen the job on the chain.", {
    remedy: "Check the id; a job shows a moment after its agreement is mined.",
  });

export const jobRoutes = (app: App, deps: RouteDeps): void => {
  const { database, bus, streams, sessions, logger } = deps;
  const { prisma } = database;

  app.get(
    "/v1/jobs",
    {
      schema: {
        tags: ["jobs"],
        summary: "Jobs, newest first",
        querystring: jobsQuery,
        response: { 200: pageOf(jobViewSchema) },
      },
    },
    async ({ query: { limit, cursor, requester, provider, state } }) => {
      const [at, after] = cursor === undefined ? [] : decodeCursor(cursor, 2);
      const rows = await prisma.chainJob.findMany({
        where: {
          ...(requester === undefined ? {} : { requester }),
          ...(provider === undefined ? {} : { provider }),
          ...(state === undefined ? {} : { state }),
          ...(at === undefined || after === undefined
            ? {}
            : {
                OR: [
                  { agreedAt: { lt: Number(at) } },
                  { agreedAt: Number(at), id: { lt: String(after) } },
                ],
              }),
        },
        orderBy: [{ agreedAt: "desc" }, { id: "desc" }],
        take: limit,
      });
      const last = rows.length === limit ? rows.at(-1) : undefined;
      return {
        items: await jobViews(prisma, rows),
        next: last === undefined ? null : encodeCursor([Number(last.agreedAt), last.id]),
      };
    },
  );

  app.get(
    "/v1/jobs/:id",
    {
      schema: {
        tags: ["jobs"],
        summary: "One job: what the chain says, the transactions, and the agent's last report",
        params: idParams,
        response: { 200: jobViewSchema },
      },
    },
    async ({ params: { id } }) => {
      const view = await jobView(prisma, id);
      if (view === undefined) throw unknown();
      return view;
    },
  );

  app.get(
    "/v1/jobs/:id/record",
    {
      schema: {
        tags: ["jobs"],
        summary: "The record that every later call to the contract must show: terms and progress",
        params: idParams,
      },
    },
    async ({ params: { id } }) => {
      const row = await prisma.chainJob.findUnique({
        where: { id },
        select: { terms: true, progress: true },
      });
      if (row === null) throw unknown();
      return row;
    },
  );

  app.get(
    "/v1/jobs/:id/events",
    {
      schema: {
        tags: ["jobs"],
        summary: "A job's states and its agent's reports as they happen, until it is over (SSE)",
        params: idParams,
        produces: ["text/event-stream"],
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if ((await prisma.chainJob.count({ where: { id } })) === 0) throw unknown();
      const stream = streams.open(request, reply);
      followJobs(
        { prisma, bus, logger, stream },
        () => Promise.resolve({ jobs: [id], complete: true }),
        {},
      );
    },
  );

  app.post(
    "/v1/jobs/:id/progress",
    {
      schema: {
        tags: ["jobs"],
        summary: "The agent's report, told on to whoever watches (session of the job's provider)",
        security: [{ session: [] }],
        params: idParams,
        body: progressReportSchema,
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const provider = await sessions.providerOf(request);
      const [job, proposal] = await Promise.all([
        prisma.chainJob.findUnique({ where: { id }, select: { provider: true, state: true } }),
        prisma.marketProposal.findUnique({ where: { jobId: id }, select: { provider: true } }),
      ]);
      const owner = job?.provider ?? proposal?.provider;
      if (owner === undefined) throw unknown();
      if (owner !== provider)
        throw new AssayError("NOT_YOURS", "The job is another provider's.", {
          remedy: "Open a session as the job's provider.",
        });
      if (job !== null && isFinal(job.state)) return reply.code(204).send();
      const report = toWire(request.body);
      await prisma.apiReport.upsert({
        where: { jobId: id },
        create: { jobId: id, provider, report },
        update: { report },
      });
      await bus.tell("report", { jobId: id });
      return reply.code(204).send();
    },
  );
};
