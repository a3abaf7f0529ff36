import { AssayError } from "@assay/protocol/errors";
import {
  requestStatusSchema,
  signedRequestSchema,
  type RequestStatus,
} from "@assay/protocol/wire/api";
import { bytes32 } from "@assay/protocol/wire/scalars";
import { toWire } from "@assay/protocol/wire/scalars";
import { z } from "zod";
import { requestIntake } from "../../intake/requests.ts";
import type { App, RouteDeps } from "../deps.ts";
import { requestStatus } from "../views/request.ts";
import { followJobs } from "./job-stream.ts";

const digestParams = z.object({ digest: bytes32 });

export const requestRoutes = (app: App, deps: RouteDeps): void => {
  const { database, chain, queues, blocks, deployment, bus, streams, logger, matcher } = deps;
  const intake = requestIntake({
    sql: database.sql,
    chain,
    queues,
    blocks,
    domain: { chainId: deployment.chainId, market: deployment.contracts.market },
    matcher,
    token: deployment.token,
  });

  const statusOf = async (digest: string): Promise<RequestStatus> => {
    const status = await requestStatus(database.prisma, digest);
    if (status) return status;
    throw new AssayError("REQUEST_UNKNOWN", "This market does not know the request.", {
      remedy: "Check the digest, or POST /v1/requests first.",
    });
  };

  app.post(
    "/v1/requests",
    {
      schema: {
        tags: ["requests"],
        summary: "Hand in a signed request",
        body: signedRequestSchema,
        response: { 202: requestStatusSchema },
      },
    },
    async (request, reply) => reply.code(202).send(await statusOf(await intake.take(request.body))),
  );

  app.get(
    "/v1/requests/:digest",
    {
      schema: {
        tags: ["requests"],
        summary: "Where a request stands, and why",
        params: digestParams,
        response: { 200: requestStatusSchema },
      },
    },
    ({ params }) => statusOf(params.digest),
  );

  app.get(
    "/v1/requests/:digest/signed",
    {
      schema: {
        tags: ["requests"],
        summary: "The request as it was signed, with its constraints",
        params: digestParams,
        response: { 200: signedRequestSchema },
      },
    },
    async ({ params: { digest } }) => {
      await statusOf(digest);
      const row = await database.prisma.marketRequest.findUniqueOrThrow({ where: { digest } });
      return signedRequestSchema.parse(row.signed);
    },
  );

  app.get(
    "/v1/requests/:digest/events",
    {
      schema: {
        tags: ["requests"],
        summary: "A request's states, then its jobs and their progress, as they happen (SSE)",
        params: digestParams,
        produces: ["text/event-stream"],
      },
    },
    async (request, reply) => {
      const { digest } = request.params;
      await statusOf(digest);
      const stream = streams.open(request, reply);
      let sent = "";
      followJobs(
        { prisma: database.prisma, bus, logger, stream },
        async () => {
          const status = await statusOf(digest);
          const text = JSON.stringify(toWire(status));
          if (text !== sent) stream.send("request", status);
          sent = text;
          const over = status.state === "expired" || status.state === "cancelled";
          return {
            jobs: status.jobIds,
            // Nothing more comes once the request is closed or as many jobs as asked for are over.
            complete: over || status.state === "agreed",
          };
        },
        { request: digest },
      );
    },
  );
};
