import { quoteSchema, type Quote, type quoteAskSchema } from "@assay/protocol/wire/api";
import type { z } from "zod";
import type { AssayContext } from "../context.ts";
import { callJson } from "../http/fetch.ts";

/** What each provider would ask for a job, and why the others are left out. Commits nothing. */
export const quote = (context: AssayContext, ask: z.input<typeof quoteAskSchema>): Promise<Quote> =>
  callJson(context, "/v1/quotes", quoteSchema, { body: ask });
