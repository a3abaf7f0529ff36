import { AssayError } from "@assay/protocol/errors";
import { z } from "zod";
import type { App, RouteDeps } from "../deps.ts";

/** Blocks that the index may be behind and still count as ready. */
const MOST_BEHIND = 16;

export const healthRoutes = (app: App, { database, metrics, position }: RouteDeps): void => {
  app.get(
    "/health",
    {
      config: { rateLimit: false },
      schema: {
        tags: ["operation"],
        summary: "Whether the process answers",
        response: { 200: z.object({ status: z.literal("up") }) },
      },
    },
    () => ({ status: "up" as const }),
  );

  app.get(
    "/ready",
    {
      config: { rateLimit: false },
      schema: {
        tags: ["operation"],
        summary: "Whether database and index are fit to serve",
        response: {
          200: z.object({
            status: z.literal("ready"),
            block: z.int().nullable(),
            head: z.int().nullable(),
          }),
        },
      },
    },
    async () => {
      await database.sql.query("SELECT 1");
      const now = position();
      if (now && (now.head < 0 || now.head - now.block > MOST_BEHIND))
        throw new AssayError("NOT_READY", "The index is still catching up with the chain.", {
          remedy: "Try again in a moment.",
          retryable: true,
          details: now,
        });
      return { status: "ready" as const, block: now?.block ?? null, head: now?.head ?? null };
    },
  );

  app.get(
    "/metrics",
    {
      config: { rateLimit: false },
      schema: { tags: ["operation"], summary: "Prometheus metrics" },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()),
  );
};
