import assert from "node:assert/strict";
import { test } from "node:test";
import { createSlots } from "./slots.ts";

test("so many at a time, the most urgent first, and whoever stops waiting leaves its place", async () => {
  const slots = createSlots(1);
  const { signal } = new AbortController();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = slots.use(5, () => gate.promise, signal);
  const later = slots.use(9, async () => void order.push("later"), signal);
  const leaving = new AbortController();
  const left = slots.use(1, async () => void order.push("left"), leaving.signal);
  const soon = slots.use(2, async () => void order.push("soon"), signal);
  leaving.abort(new Error("enough"));
  await assert.rejects(left, /enough/);
  gate.resolve();
  await Promise.all([first, later, soon]);
  assert.deepEqual(order, ["soon", "later"]);
  await assert.rejects(
    slots.use(1, () => Promise.reject(new Error("fails")), signal),
    /fails/,
  );
  await slots.use(1, async () => void order.push("after"), signal);
  assert.equal(order.at(-1), "after");
});
