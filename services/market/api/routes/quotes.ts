import { totalUnits } from "@assay/protocol/domain/money";
import { AssayError } from "@assay/protocol/errors";
import { quoteAskSchema, quoteSchema } from "@assay/protocol/wire/api";
import { quote } from "../../matcher/clear/quote.ts";
import type { App, RouteDeps } from "../deps.ts";

export const quoteRoutes = (app: App, { keeper, chain, deployment }: RouteDeps): void => {
  app.post(
    "/v1/quotes",
    {
      schema: {
        tags: ["requests"],
        summary: "What every provider that fits would ask, and why the others do not fit",
        body: quoteAskSchema,
        response: { 200: quoteSchema },
      },
    },
    async ({ body }) => {
      if (body.steps <= body.startStep || totalUnits(body) <= 0n)
        throw new AssayError("QUOTE_EMPTY", "There is nothing to run.", {
          remedy: "Give steps above startStep, and units above zero.",
        });
      return quote(keeper.book, body, {
        rates: await chain.rates(),
        now: Math.floor(Date.now() / 1_000),
        token: deployment.token,
      });
    },
  );
};
