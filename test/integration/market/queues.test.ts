import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setImmediate as immediate } from "node:timers/promises";
import { PGlite } from "@electric-sql/pglite";
import { AssayError } from "@assay/protocol/errors";
import { openQueues, type TaskQueues } from "../../../services/market/queue/queues.ts";
import { servers } from "./backends.ts";
import { silent } from "./chain.ts";

interface Kind {
  readonly name: string;
  readonly open: () => Promise<TaskQueues>;
  readonly remove: () => Promise<void>;
}

const embedded = (): Kind => {
  const database = new PGlite();
  return {
    name: "the embedded database",
    open: () => openQueues({ embedded: database, logger: silent }),
    remove: () => database.close(),
  };
};

const redis = (redisUrl: string): Kind => {
  const prefix = `assay-${randomUUID()}`;
  return {
    name: "Redis",
    open: () => openQueues({ redisUrl, prefix, logger: silent }),
    remove: () => Promise.resolve(),
  };
};

for (const kind of [embedded(), ...(servers === undefined ? [] : [redis(servers.redis)])])
  describe(`task queues on ${kind.name}`, () => {
    let queues: TaskQueues;
    /** Requests handled, in order, and a way to wait for so many. */
    const handled: string[] = [];
    let arrived = Promise.withResolvers<void>();
    const count = async (wanted: number): Promise<void> => {
      while (handled.length < wanted) {
        await arrived.promise;
        arrived = Promise.withResolvers<void>();
      }
    };
    let behave: (digest: string) => Promise<void> = () => Promise.resolve();

    const work = (): void =>
      queues.work("intake", async ({ requestDigest }) => {
        await behave(requestDigest);
        handled.push(requestDigest);
        arrived.resolve();
      });

    const idle = async (): Promise<void> => {
      while ((await queues.counts()).intake > 0) await immediate();
    };

    before(async () => {
      queues = await kind.open();
      work();
    });
    after(async () => {
      await queues.close();
      await kind.remove();
    });

    test("regression: a task added again while it waits is one task, however often", async () => {
      const seen: string[] = [];
      const both = Promise.withResolvers<void>();
      for (let time = 0; time < 5; time++)
        await queues.add("requestDue", "key:1", { requestDigest: "a" });
      await queues.add("requestDue", "key:2", { requestDigest: "b" });
      assert.equal((await queues.counts()).requestDue, 2);
      queues.work("requestDue", ({ requestDigest }) => {
        seen.push(requestDigest);
        if (seen.length === 2) both.resolve();
        return Promise.resolve();
      });
      await both.promise;
      while ((await queues.counts()).requestDue > 0) await immediate();
      assert.deepEqual(seen.toSorted(), ["a", "b"]);
    });

    test("a handler that fails is called again; one whose error is final is not", async () => {
      handled.length = 0;
      let tries = 0;
      behave = (digest) => {
        tries++;
        if (digest === "final") throw new AssayError("NEVER", "never");
        return tries < 3 ? Promise.reject(new Error("later")) : Promise.resolve();
      };
      await queues.add("intake", "again", { requestDigest: "again" });
      await count(1);
      assert.equal(tries, 3);
      await queues.add("intake", "final", { requestDigest: "final" });
      await idle();
      assert.equal(tries, 4);
      behave = () => Promise.resolve();
    });

    test("what waits when a process ends is handled by the next, and a key is free again after", async () => {
      handled.length = 0;
      await queues.add("intake", "kept", { requestDigest: "kept" }, { delay: 300 });
      await queues.close();
      queues = await kind.open();
      work();
      await count(1);
      await idle();
      await queues.add("intake", "kept", { requestDigest: "kept again" });
      await count(2);
      assert.deepEqual(handled, ["kept", "kept again"]);
    });
  });
