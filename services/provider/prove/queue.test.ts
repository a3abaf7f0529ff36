import assert from "node:assert/strict";
import { test } from "node:test";
import { createUrgentQueue } from "./queue.ts";

test("the earliest deadline goes first, and one of a kind at a time", async () => {
  const queue = createUrgentQueue(1);
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = (name: string) => async (): Promise<string> => {
    order.push(name);
    await gate.promise;
    return name;
  };
  const all = [
    queue.run("a", 50, work("first come")),
    queue.run("b", 40, work("late")),
    queue.run("c", 10, work("urgent")),
    queue.run("a", 20, work("soon")),
  ];
  assert.deepEqual(order, ["first come"]);
  gate.resolve();
  assert.deepEqual(await Promise.all(all), ["first come", "late", "urgent", "soon"]);
  assert.deepEqual(order, ["first come", "urgent", "soon", "late"]);
});

test("work of one kind does not hold up another kind", async () => {
  const queue = createUrgentQueue(2);
  const gate = Promise.withResolvers<void>();
  const begun: string[] = [];
  const slow = queue.run("a", 1, async () => {
    begun.push("slow");
    await gate.promise;
  });
  const same = queue.run("a", 2, () => Promise.resolve(void begun.push("same")));
  await queue.run("b", 3, () => Promise.resolve(void begun.push("other")));
  assert.deepEqual(begun, ["slow", "other"]);
  gate.resolve();
  await Promise.all([slow, same]);
});

test("work that fails frees its place", async () => {
  const queue = createUrgentQueue(1);
  await assert.rejects(
    queue.run("a", 1, () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await queue.run("a", 1, () => Promise.resolve(7)), 7);
});
