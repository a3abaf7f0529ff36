import { AssayError } from "@assay/protocol/errors";
import { signedOfferSchema } from "@assay/protocol/wire/api";
import { bytes32 } from "@assay/protocol/wire/scalars";
import { z } from "zod";
import { offerIntake } from "../../intake/offers.ts";
import type { App, RouteDeps } from "../deps.ts";
import { decodeCursor, encodeCursor, pageOf, pageQuery } from "./paging.ts";

const listedOffer = signedOfferSchema.extend({ digest: bytes32 });
const digestParams = z.object({ digest: bytes32 });

export const offerRoutes = (app: App, deps: RouteDeps): void => {
  const { database, chain, deployment, sessions } = deps;
  const { prisma } = database;
  const domain = { chainId: deployment.chainId, market: deployment.contracts.market };
  const intake = offerIntake(database.sql, chain, domain);

  app.post(
    "/v1/offers",
    {
      schema: {
        tags: ["offers"],
        summary: "Publish a signed offer; one of the same provider and nonce is replaced",
        body: signedOfferSchema,
        response: { 201: digestParams },
      },
    },
    async (request, reply) => reply.code(201).send({ digest: await intake.take(request.body) }),
  );

  app.get(
    "/v1/offers",
    {
      schema: {
        tags: ["offers"],
        summary: "Offers that stand",
        querystring: pageQuery,
        response: { 200: pageOf(listedOffer) },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const after = cursor === undefined ? undefined : String(decodeCursor(cursor, 1)[0]);
      const rows = await prisma.marketOffer.findMany({
        where: {
          withdrawnAt: null,
          expiry: { gt: Math.floor(Date.now() / 1_000) },
          ...(after === undefined ? {} : { digest: { gt: after } }),
        },
        orderBy: { digest: "asc" },
        take: limit,
      });
      const last = rows.length === limit ? rows.at(-1) : undefined;
      return {
        items: rows.map(({ digest, signed }) =>
          listedOffer.parse({ ...(signed as object), digest }),
        ),
        next: last === undefined ? null : encodeCursor([last.digest]),
      };
    },
  );

  app.get(
    "/v1/offers/:digest",
    {
      schema: {
        tags: ["offers"],
        summary: "One offer",
        params: digestParams,
        response: { 200: listedOffer },
      },
    },
    async ({ params: { digest } }) => {
      const row = await prisma.marketOffer.findUnique({ where: { digest } });
      if (row === null)
        throw new AssayError("OFFER_UNKNOWN", "There is no such offer here.", {
          remedy: "GET /v1/offers lists those that stand.",
        });
      return listedOffer.parse({ ...(row.signed as object), digest });
    },
  );

  app.delete(
    "/v1/offers/:digest",
    {
      schema: {
        tags: ["offers"],
        summary: "Withdraw an offer (session of its provider)",
        security: [{ session: [] }],
        params: digestParams,
      },
    },
    async (request, reply) => {
      await intake.withdraw(request.params.digest, await sessions.providerOf(request));
      return reply.code(204).send();
    },
  );
};
