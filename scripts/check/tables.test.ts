import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { findIn, messages } from "./fixture.ts";
import { tables } from "./tables.ts";

const insert = (table: string): string =>
  `export const sql = \`INSERT INTO ${table} (id) VALUES ($1)\`;`;

describe("tables", () => {
  test("default: owners write, everybody reads", async () => {
    const findings = await findIn(tables, {
      "services/market/indexer/apply.ts": insert(`"chain_jobs"`),
      "services/market/matcher/book/store.ts": insert("market_orders"),
      "services/market/api/jobs.ts": "export const sql = `SELECT * FROM chain_jobs`;",
      "services/market/api/quotes.ts": "export const rows = (db) => db.marketOrder.findMany();",
    });
    assert.deepEqual(findings, []);
  });

  const violations: [string, string, RegExp][] = [
    ["services/market/api/jobs.ts", insert("chain_jobs"), /only services\/market\/indexer\//],
    ["services/market/matcher/clear.ts", insert("chain_jobs"), /only services\/market\/indexer\//],
    [
      "services/market/indexer/apply.ts",
      insert(`"market_orders"`),
      /only services\/market\/intake\/ and services\/market\/matcher\//,
    ],
    ["services/market/api/a.ts", "const s = `update\n  chain_jobs set a = 1`;", /chain_ table/],
    ["services/market/api/b.ts", "const s = 'COPY market_orders FROM STDIN';", /market_ table/],
    ["services/market/matcher/e.ts", insert("api_sessions"), /api_ table/],
    ["services/market/api/c.ts", "await db.chainJob.upsert({});", /chain_ table/],
    ["services/market/indexer/d.ts", "await db.chainJob.createMany({ data });", /in bulk/],
  ];
  for (const [file, text, expected] of violations) {
    test(`behavior: refuses in ${file}: ${text.replaceAll("\n", " ")}`, async () => {
      assert.match(messages(await findIn(tables, { [file]: text })), expected);
    });
  }
});
