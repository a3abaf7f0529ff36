import {
  refusalSchema,
  signedAcceptanceSchema,
  signedRequestSchema,
  type Proposal,
} from "@assay/protocol/wire/api";
import { bytes32 } from "@assay/protocol/wire/scalars";
import { z } from "zod";
import { answerIntake } from "../../intake/answers.ts";
import type { App, RouteDeps } from "../deps.ts";
import { presence } from "../presence.ts";
import { coalesce } from "../sse.ts";

const idParams = z.object({ id: z.string().max(128) });

export const proposalRoutes = (app: App, deps: RouteDeps): void => {
  const { database, chain, queues, deployment, bus, streams, sessions, logger } = deps;
  const { prisma } = database;
  const intake = answerIntake({
    sql: database.sql,
    chain,
    queues,
    domain: { chainId: deployment.chainId, market: deployment.contracts.market },
  });
  const present = presence(database.sql, bus, logger);
  app.addHook("onClose", () => present.close());

  const openProposals = async (
    provider: string,
    after: bigint,
  ): Promise<{ place: bigint; proposal: Proposal }[]> => {
    const rows = await prisma.marketProposal.findMany({
      where: { provider, state: "open", place: { gt: after } },
      orderBy: { place: "asc" },
      include: { request: true },
    });
    return rows.map((row) => {
      const { request, constraints, signature } = signedRequestSchema.parse(row.request.signed);
      return {
        place: row.place,
        proposal: {
          id: row.id,
          requestDigest: row.requestDigest as Proposal["requestDigest"],
          request,
          constraints,
          requestSignature: signature,
          unitPrice: BigInt(row.unitPrice.toFixed(0)),
          collateral: BigInt(row.collateral.toFixed(0)),
          answerBy: Number(row.answerBy),
        },
      };
    });
  };

  app.get(
    "/v1/proposals",
    {
      schema: {
        tags: ["proposals"],
        summary:
          "Proposals to the session's provider as they are made (SSE, event `proposal`); the provider counts as online while it listens",
        security: [{ session: [] }],
        produces: ["text/event-stream"],
      },
    },
    async (request, reply) => {
      const provider = await sessions.providerOf(request);
      const lastId = request.headers["last-event-id"];
      let last = typeof lastId === "string" && /^\d{1,18}$/.test(lastId) ? BigInt(lastId) : 0n;
      const stream = streams.open(request, reply);
      // Subscribed before the first look, so that nothing falls between.
      const look = coalesce(
        async () => {
          for (const { place, proposal } of await openProposals(provider, last)) {
            stream.send("proposal", proposal, place.toString());
            last = place;
          }
        },
        (error) => logger.error({ err: error }, "proposals could not be sent"),
      );
      const stops = [
        bus.on("proposal", (message) => message.provider === provider && look()),
        bus.onGap(look),
      ];
      // Entered before the stream may leave, which it does at once where the client has gone already.
      const entered = present.enter(provider);
      stream.onClose(() => {
        for (const stop of stops) stop();
        present.leave(provider);
      });
      await entered;
      look();
    },
  );

  app.get(
    "/v1/proposals/:id",
    {
      schema: {
        tags: ["proposals"],
        summary: "State of a proposal",
        params: idParams,
        response: {
          200: z.object({ id: z.string(), state: z.string(), jobId: bytes32.nullable() }),
        },
      },
    },
    async ({ params: { id } }) => intake.stateOf(id),
  );

  app.post(
    "/v1/proposals/:id/acceptance",
    {
      schema: {
        tags: ["proposals"],
        summary: "Accept with a signed acceptance; the market carries the pair to the chain",
        params: idParams,
        body: signedAcceptanceSchema,
        response: { 202: z.object({ jobId: bytes32 }) },
      },
    },
    async ({ params, body }, reply) =>
      reply.code(202).send({ jobId: await intake.accept(params.id, body) }),
  );

  app.post(
    "/v1/proposals/:id/refusal",
    {
      schema: {
        tags: ["proposals"],
        summary: "Refuse with a reason (session of the provider)",
        security: [{ session: [] }],
        params: idParams,
        body: refusalSchema,
      },
    },
    async (request, reply) => {
      const provider = await sessions.providerOf(request);
      await intake.refuse(request.params.id, provider, request.body);
      return reply.code(204).send();
    },
  );
};
