import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { createLogger } from "./logger.ts";
import { createShutdown } from "./shutdown.ts";

const logger = createLogger({ name: "test", level: "silent" });

describe("createShutdown", () => {
  test("default: closes in reverse order, each part after the one before, once", async () => {
    const shutdown = createShutdown({ logger });
    const order: string[] = [];
    for (const name of ["database", "queue", "api"])
      shutdown.add(name, async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${name} ends`);
      });
    assert.equal(shutdown.signal.aborted, false);
    await Promise.all([shutdown.close("test"), shutdown.close()]);
    assert.equal(shutdown.signal.aborted, true);
    assert.deepEqual(order, [
      "api begins",
      "api ends",
      "queue begins",
      "queue ends",
      "database begins",
      "database ends",
    ]);
  });

  test("behavior: a part that fails or hangs keeps no other from closing, and is named", async () => {
    const shutdown = createShutdown({ logger, patience: 10 });
    let closed = false;
    shutdown.add("database", () => {
      closed = true;
    });
    shutdown.add("stuck", () => new Promise(() => undefined));
    shutdown.add("broken", () => Promise.reject(new Error("no")));
    await assert.rejects(shutdown.close(), (error: unknown) => {
      assert.ok(isAssayError(error, "SHUTDOWN_INCOMPLETE"));
      assert.deepEqual(error.details, { failed: ["broken", "stuck"] });
      return true;
    });
    assert.equal(closed, true);
  });
});
