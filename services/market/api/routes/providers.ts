import { providerViewSchema } from "@assay/protocol/wire/api";
import { address } from "@assay/protocol/wire/scalars";
import { z } from "zod";
import type { App, RouteDeps } from "../deps.ts";
import { providerViews } from "../views/provider.ts";
import { decodeCursor, encodeCursor, pageOf, pageQuery } from "./paging.ts";

export const providerRoutes = (app: App, { database, keeper }: RouteDeps): void => {
  app.get(
    "/v1/providers",
    {
      schema: {
        tags: ["providers"],
        summary: "Providers that have stake or offers",
        querystring: pageQuery,
        response: { 200: pageOf(providerViewSchema) },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const after = cursor === undefined ? "" : String(decodeCursor(cursor, 1)[0]);
      const rows = await database.sql.query<{ provider: string }>(
        `SELECT provider FROM (SELECT provider FROM chain_stake UNION SELECT provider FROM market_offer) AS known
         WHERE provider > $1 ORDER BY provider LIMIT $2`,
        [after, limit],
      );
      const last = rows.length === limit ? rows.at(-1) : undefined;
      return {
        items: await providerViews(
          database,
          keeper.book,
          rows.map(({ provider }) => provider),
        ),
        next: last === undefined ? null : encodeCursor([last.provider]),
      };
    },
  );

  app.get(
    "/v1/providers/:address",
    {
      schema: {
        tags: ["providers"],
        summary: "One provider: stake, reputation, work, and why it is idle",
        params: z.object({ address }),
        response: { 200: providerViewSchema },
      },
    },
    async ({ params }) => {
      const [view] = await providerViews(database, keeper.book, [params.address]);
      if (view === undefined) throw new Error("one view for one provider");
      return view;
    },
  );
};
