import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import type { BlockStore } from "./blocks.ts";
import { cachedBlocks } from "./cached.ts";
import { parseCid } from "./cid.ts";
import { CHUNK_BYTES, contentStore, readAll } from "./content.ts";
import { gatewayBlocks } from "./gateway.ts";
import { memoryBlocks } from "./memory.ts";

interface Trouble {
  /** Status to answer instead; null to serve. */
  status: number | null;
  /** Calls to answer so before serving again. */
  times: number;
  spoil: boolean;
}

/** A real HTTP gateway over a block store, which can be told to misbehave. */
const serve = async (t: TestContext, blocks: BlockStore) => {
  const calls: string[] = [];
  const trouble: Trouble = { status: null, times: 0, spoil: false };
  const server: Server = createServer((request, response) => {
    const answer = async () => {
      calls.push(`${request.method} ${request.url}`);
      if (trouble.status !== null && trouble.times-- > 0)
        return response.writeHead(trouble.status).end("trouble");
      const cid = parseCid((request.url ?? "").replace("/ipfs/", ""));
      if (request.method === "PUT") {
        const parts: Uint8Array[] = [];
        for await (const part of request) parts.push(part as Uint8Array);
        await blocks.put(cid, Buffer.concat(parts));
        return response.writeHead(201).end();
      }
      if (!(await blocks.has(cid))) return response.writeHead(404).end();
      const bytes = Buffer.from(await blocks.get(cid));
      if (trouble.spoil) bytes[0] = (bytes[0] as number) ^ 255;
      return response.writeHead(200).end(request.method === "HEAD" ? undefined : bytes);
    };
    answer().catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, calls, trouble };
};

const bytes = Uint8Array.from({ length: 3 * CHUNK_BYTES }, (_, i) => (i & 255) ^ (i >>> 12));

test("what one peer uploads another fetches", async (t) => {
  const { url } = await serve(t, memoryBlocks());
  const one = contentStore(cachedBlocks(memoryBlocks(), gatewayBlocks({ url })));
  const other = contentStore(cachedBlocks(memoryBlocks(), gatewayBlocks({ url })));
  const cid = await one.putFile(bytes);
  assert.equal(await other.has(cid), true);
  assert.deepEqual(await readAll(other, cid), bytes);
});

test("an upload sends only the blocks that are missing", async (t) => {
  const { url, calls } = await serve(t, memoryBlocks());
  const store = contentStore(gatewayBlocks({ url }));
  await store.putFile(bytes);
  const before = calls.filter((call) => call.startsWith("PUT")).length;
  await store.putFile(bytes);
  assert.equal(calls.filter((call) => call.startsWith("PUT")).length, before);
});

test("an interrupted download goes on where it stopped", async (t) => {
  const { url, calls } = await serve(t, memoryBlocks());
  const cid = await contentStore(gatewayBlocks({ url })).putFile(bytes);
  const local = memoryBlocks();
  const store = contentStore(cachedBlocks(local, gatewayBlocks({ url })));
  for await (const _ of store.getFile(cid)) break;
  calls.length = 0;
  assert.deepEqual(await readAll(store, cid), bytes);
  const again = calls.length;
  assert.ok(again < 4, `fetched ${again} of 4 blocks again`);
  calls.length = 0;
  assert.deepEqual(await readAll(store, cid), bytes);
  assert.deepEqual(calls, []);
});

test("a gateway that lies about a block is caught", async (t) => {
  const { url, trouble } = await serve(t, memoryBlocks());
  const store = contentStore(gatewayBlocks({ url }));
  const cid = await store.putFile(bytes);
  trouble.spoil = true;
  await assert.rejects(readAll(store, cid), (e) => isAssayError(e, "BLOCK_CORRUPT"));
});

test("a damaged local block is fetched again", async (t) => {
  const { url } = await serve(t, memoryBlocks());
  const local = memoryBlocks();
  const store = contentStore(cachedBlocks(local, gatewayBlocks({ url })));
  const cid = await store.putFile(bytes);
  await local.put(cid, new Uint8Array(3));
  assert.deepEqual(await readAll(store, cid), bytes);
});

test("trouble that passes is waited out, trouble that stays is reported", async (t) => {
  const { url, trouble } = await serve(t, memoryBlocks());
  const store = contentStore(gatewayBlocks({ url, pauseMs: 1 }));
  const cid = await store.putFile(bytes);
  Object.assign(trouble, { status: 503, times: 2 });
  assert.deepEqual(await readAll(store, cid), bytes);
  Object.assign(trouble, { status: 503, times: 1e6 });
  await assert.rejects(readAll(store, cid), (e) => isAssayError(e, "GATEWAY_UNREACHABLE"));
  Object.assign(trouble, { status: 429, times: 2 });
  assert.deepEqual(await readAll(store, cid), bytes);
  for (const status of [429, 507]) {
    Object.assign(trouble, { status, times: 1e6 });
    const limited = (e: unknown) => isAssayError(e, "GATEWAY_LIMITED") && e.retryable;
    await assert.rejects(store.putFile(bytes), limited);
  }
  Object.assign(trouble, { status: 403, times: 1e6 });
  await assert.rejects(readAll(store, cid), (e) => isAssayError(e, "GATEWAY_REFUSED"));
});

test("what nobody uploaded is not found", async (t) => {
  const { url } = await serve(t, memoryBlocks());
  const cid = await contentStore(memoryBlocks()).putFile(bytes);
  const store = contentStore(gatewayBlocks({ url }));
  assert.equal(await store.has(cid), false);
  await assert.rejects(readAll(store, cid), (e) => isAssayError(e, "CONTENT_NOT_FOUND"));
});

test("a call can be cancelled", async (t) => {
  const { url, trouble } = await serve(t, memoryBlocks());
  Object.assign(trouble, { status: 503, times: 1e6 });
  const cid = await contentStore(memoryBlocks()).putFile(bytes);
  const store = contentStore(gatewayBlocks({ url, pauseMs: 60_000 }));
  await assert.rejects(readAll(store, cid, { signal: AbortSignal.timeout(50) }));
});
