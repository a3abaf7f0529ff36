import { z } from "zod";
import type { App, RouteDeps } from "../deps.ts";

const statsSchema = z.object({
  /** Jobs by state. */
  jobs: z.record(z.string(), z.int()),
  /** Paid to providers, and agreed but not yet paid, token base units. */
  paid: z.string(),
  pending: z.string(),
  offers: z.int(),
  providers: z.int(),
  providersOnline: z.int(),
  requestsOpen: z.int(),
  /** Median unit price of the standing offers, 18 decimals fixed point. */
  medianUnitPrice: z.string().nullable(),
  block: z.int().nullable(),
});

const COUNTS = `
SELECT (SELECT coalesce(sum(paid), 0) FROM chain_job)::text AS paid,
  (SELECT coalesce(sum(price), 0) FROM chain_job WHERE state IN ('active', 'committed', 'submitted'))::text AS pending,
  (SELECT count(*) FROM chain_stake WHERE total > 0)::int AS providers,
  (SELECT count(*) FROM api_presence WHERE until > now() AT TIME ZONE 'utc')::int AS "providersOnline",
  (SELECT count(*) FROM market_request WHERE state IN ('open', 'proposed', 'accepted'))::int AS "requestsOpen",
  (SELECT number FROM chain_cursor) AS block`;

export const statsRoutes = (app: App, { database, keeper }: RouteDeps): void => {
  app.get(
    "/v1/stats",
    {
      schema: {
        tags: ["market"],
        summary: "The market in numbers",
        response: { 200: statsSchema },
      },
    },
    async () => {
      const [[counts], states] = await Promise.all([
        database.sql.query<Omit<z.infer<typeof statsSchema>, "jobs" | "offers">>(COUNTS),
        database.prisma.chainJob.groupBy({ by: ["state"], _count: true }),
      ]);
      const prices = keeper.book
        .digests()
        .map((digest) => keeper.book.get(digest)?.unitPrice ?? 0n)
        .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      return {
        ...counts,
        jobs: Object.fromEntries(states.map(({ state, _count }) => [state, _count])),
        offers: keeper.book.size,
        medianUnitPrice: prices[prices.length >> 1]?.toString() ?? null,
      } as z.infer<typeof statsSchema>;
    },
  );
};
