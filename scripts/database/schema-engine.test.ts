import assert from "node:assert/strict";
import { test } from "node:test";
import { missingSql } from "./schema-engine.ts";

test("the migrations give the tables of schema.prisma, no more and no less", async () => {
  assert.equal(await missingSql(), "");
});
