import { conflictSchema } from "@assay/protocol/wire/api";
import { bytes32 } from "@assay/protocol/wire/scalars";
import { z } from "zod";
import { readConflicts } from "../../intake/conflicts.ts";
import type { App, RouteDeps } from "../deps.ts";
import { decodeCursor, encodeCursor, pageOf, pageQuery } from "./paging.ts";

const conflictsQuery = pageQuery.extend({
  job: bytes32.optional(),
  open: z
    .enum(["true", "false"])
    .optional()
    .describe("`true`: only of jobs whose provider can still be slashed"),
});

export const conflictRoutes = (app: App, { database: { sql } }: RouteDeps): void => {
  app.get(
    "/v1/conflicts",
    {
      schema: {
        tags: ["jobs"],
        summary:
          "Pairs of receipts that contradict each other, newest first: `slashConflict` takes them from anyone",
        querystring: conflictsQuery,
        response: { 200: pageOf(conflictSchema) },
      },
    },
    async ({ query: { limit, cursor, job, open } }) => {
      const [seenAt, jobId] = cursor === undefined ? [] : decodeCursor(cursor, 2);
      const after =
        seenAt === undefined || jobId === undefined
          ? undefined
          : { seenAt: Number(seenAt), jobId: String(jobId) };
      const items = await readConflicts(sql, { job, open: open === "true", limit, after });
      const last = items.length === limit ? items.at(-1) : undefined;
      return {
        items,
        next: last === undefined ? null : encodeCursor([last.seenAt, last.jobId]),
      };
    },
  );
};
