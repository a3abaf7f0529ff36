import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fastify from "fastify";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { coalesce, Streams, type EventStream } from "./sse.ts";

describe("Streams", () => {
  /** A server whose one route opens a stream once `gate` is open, and a client that asks and reads nothing. */
  const serve = async (gate: Promise<void>) => {
    const app = fastify({ forceCloseConnections: true });
    const streams = new Streams();
    const arrived = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<EventStream>();
    app.get("/", async (request, reply) => {
      request.raw.socket.on("close", () => left.resolve());
      arrived.resolve();
      await gate;
      opened.resolve(streams.open(request, reply));
    });
    await app.listen({ host: "127.0.0.1", port: 0 });
    const client = connect((app.server.address() as AddressInfo).port, "127.0.0.1");
    client.on("error", () => undefined);
    client.pause();
    client.write("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    await arrived.promise;
    const close = async (): Promise<void> => {
      client.destroy();
      await app.close();
    };
    return { streams, client, left: left.promise, opened: opened.promise, close };
  };

  test("regression: the stream of a client that left before it was opened is closed at once", async () => {
    const gate = Promise.withResolvers<void>();
    const { streams, client, left, opened, close } = await serve(gate.promise);
    client.destroy();
    await left;
    gate.resolve();
    const stream = await opened;
    let told = 0;
    stream.onClose(() => told++);
    assert.deepEqual([stream.closed, streams.size, told], [true, 0, 1]);
    await close();
  });

  test("regression: the stream of a client that reads nothing is cut at a mebibyte waiting", async () => {
    const { streams, opened, close } = await serve(Promise.resolve());
    const stream = await opened;
    const gone = Promise.withResolvers<void>();
    stream.onClose(() => gone.resolve());
    const data = "x".repeat(256 * 1024);
    // The kernel takes some megabytes itself.
    for (let sent = 0; sent < 256 && !stream.closed; sent++) {
      stream.send("much", data);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await gone.promise;
    assert.deepEqual([stream.closed, streams.size], [true, 0]);
    await close();
  });
});

describe("coalesce", () => {
  test("default: one run at a time, and one more for all the calls during a run", async () => {
    const gates: PromiseWithResolvers<void>[] = [];
    let running = 0;
    let most = 0;
    const look = coalesce(
      async () => {
        most = Math.max(most, ++running);
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        await gate.promise;
        running--;
      },
      (error) => assert.fail(String(error)),
    );
    look();
    look();
    look();
    assert.equal(gates.length, 1);
    gates[0]?.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(gates.length, 2);
    gates[1]?.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(gates.length, 2);
    assert.equal(most, 1);
  });

  test("behavior: a run that fails is reported and does not stop later ones", async () => {
    const errors: unknown[] = [];
    let runs = 0;
    const look = coalesce(
      () => (runs++ === 0 ? Promise.reject(new Error("once")) : Promise.resolve()),
      (error) => errors.push(error),
    );
    look();
    await new Promise((resolve) => setImmediate(resolve));
    look();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(runs, 2);
    assert.equal(errors.length, 1);
  });
});
