import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, truncate, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { array, assert as assertProperty, asyncProperty, uint8Array } from "fast-check";
import type { CID } from "multiformats/cid";
import { matches, type BlockStore } from "./blocks.ts";
import { cidOfDigest, digestOf, parseCid } from "./cid.ts";
import { CHUNK_BYTES, contentStore, readAll } from "./content.ts";
import { fileSystemBlocks } from "./file-system.ts";
import { memoryBlocks } from "./memory.ts";
import { pruneBlocks } from "./prune.ts";

const code = (expected: string) => (error: unknown) => isAssayError(error, expected);
const patterned = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 10)) & 255);

/** A store that remembers which blocks were put. */
const recording = () => {
  const inner = memoryBlocks();
  const cids: CID[] = [];
  const blocks: BlockStore = {
    ...inner,
    put: (cid, bytes) => {
      cids.push(cid);
      return inner.put(cid, bytes);
    },
  };
  return { blocks, cids };
};

test("the same bytes have the same CID on every machine and in every version", async () => {
  const golden: [Uint8Array, string][] = [
    [new Uint8Array(0), "bafybeif7ztnhq65lumvvtr4ekcwd2ifwgm3awq4zfr3srh462rwyinlb4y"],
    [
      new TextEncoder().encode("assay"),
      "bafybeih2jay3wp5at6l5zg5temctqdrucgpxzcqe25623ogbk4s7ilv2su",
    ],
    [patterned(CHUNK_BYTES), "bafybeigvx2pxwl5raqbtdqi373yc6nejxtsy6r3n5y5zqapxktma3poi7y"],
    [patterned(3 * CHUNK_BYTES + 1), "bafybeihnzkroas2dnupfiwup5ban2uml74miqlnij24cuy3atma647vznm"],
  ];
  for (const [bytes, expected] of golden) {
    const cid = await contentStore(memoryBlocks()).putFile(bytes);
    assert.equal(cid.toString(), expected);
    assert.equal(cidOfDigest(digestOf(cid)).toString(), expected);
  }
});

test("a file comes back as it went in, however its source was cut", async () => {
  await assertProperty(
    asyncProperty(array(uint8Array({ maxLength: 5000 }), { maxLength: 8 }), async (parts) => {
      const store = contentStore(memoryBlocks());
      const whole = new Uint8Array(Buffer.concat(parts));
      const cid = await store.putFile(
        (async function* () {
          yield* parts;
        })(),
      );
      assert.ok(cid.equals(await store.putFile(whole)));
      assert.deepEqual(await readAll(store, cid), whole);
    }),
    { numRuns: 30 },
  );
});

test("a corrupted block is refused before any of its bytes are passed on", async () => {
  const { blocks, cids } = recording();
  const store = contentStore(blocks);
  const bytes = patterned(2 * CHUNK_BYTES);
  const cid = await store.putFile(bytes);
  for (const victim of cids.slice()) {
    const good = await blocks.get(victim);
    const bad = good.slice();
    bad[bad.length >>> 1] = (bad[bad.length >>> 1] as number) ^ 1;
    await blocks.put(victim, bad);
    await assert.rejects(readAll(store, cid), code("BLOCK_CORRUPT"));
    await blocks.put(victim, good);
  }
  assert.deepEqual(await readAll(store, cid), bytes);
});

test("a missing block is reported as missing", async () => {
  const { blocks, cids } = recording();
  const store = contentStore(blocks);
  const cid = await store.putFile(patterned(2 * CHUNK_BYTES));
  await blocks.delete(cids[0] as CID);
  await assert.rejects(readAll(store, cid), code("CONTENT_NOT_FOUND"));
});

test("a file above the reader's limit is refused", async () => {
  const store = contentStore(memoryBlocks());
  const cid = await store.putFile(patterned(1000));
  await assert.rejects(readAll(store, cid, { maxBytes: 999 }), code("CONTENT_TOO_LARGE"));
  assert.equal((await readAll(store, cid, { maxBytes: 1000 })).length, 1000);
});

test("content ids that cannot be checked are refused", () => {
  for (const text of [
    "nonsense",
    "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
    "bafyreigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
  ])
    assert.throws(() => parseCid(text), code("CID_UNSUPPORTED"));
  assert.throws(() => cidOfDigest(`0x${"0".repeat(64)}`), code("CID_UNSUPPORTED"));
  assert.throws(() => cidOfDigest("0x12"), code("CID_UNSUPPORTED"));
});

test("a walk over a hostile graph of empty nodes ends", async () => {
  const { encode, prepare } = await import("@ipld/dag-pb");
  const { UnixFS } = await import("ipfs-unixfs");
  const { CID: Cid } = await import("multiformats/cid");
  const { sha256 } = await import("multiformats/hashes/sha2");
  const blocks = memoryBlocks();
  const add = async (children: CID[], leaf: Uint8Array<ArrayBuffer> | null) => {
    const file = new UnixFS({ type: "file" });
    if (leaf) file.data = leaf;
    for (const _ of children) file.addBlockSize(0n);
    const block = encode(
      prepare({
        Data: file.marshal(),
        Links: children.map((Hash) => ({ Hash, Tsize: 1, Name: "" })),
      }),
    );
    const cid = Cid.createV1(0x70, await sha256.digest(block));
    await blocks.put(cid, block);
    return cid;
  };
  let node = await add([], new Uint8Array(0));
  for (let level = 0; level < 8; level++) node = await add(Array<CID>(100).fill(node), null);
  await assert.rejects(readAll(contentStore(blocks), node, { maxBytes: 4_000_000 }), (error) =>
    isAssayError(error),
  );
});

test("blocks survive in a folder, and a torn one is noticed", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "assay-blocks-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const bytes = patterned(CHUNK_BYTES + 5);
  const cid = await contentStore(await fileSystemBlocks(folder)).putFile(bytes);
  const again = contentStore(await fileSystemBlocks(folder));
  assert.equal(await again.has(cid), true);
  assert.deepEqual(await readAll(again, cid), bytes);
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (file.isFile()) await truncate(join(file.parentPath, file.name), 0);
  await assert.rejects(readAll(again, cid), code("BLOCK_CORRUPT"));
});

test("a block matches its own CID only", async () => {
  const { blocks, cids } = recording();
  await contentStore(blocks).putFile(patterned(10));
  const [leaf, root] = cids as [CID, CID];
  assert.equal(matches(leaf, await blocks.get(leaf)), true);
  assert.equal(matches(leaf, await blocks.get(root)), false);
});

test("a folder is pruned from its oldest blocks, and what is left still reads", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "assay-blocks-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const store = contentStore(await fileSystemBlocks(folder));
  const old = await store.putFile(patterned(CHUNK_BYTES));
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (file.isFile()) await utimes(join(file.parentPath, file.name), 1, 1);
  const fresh = await store.putFile(patterned(CHUNK_BYTES + 1).subarray(1));
  assert.ok((await pruneBlocks(folder, CHUNK_BYTES + 1000)) <= CHUNK_BYTES + 1000);
  await assert.rejects(readAll(store, old), code("CONTENT_NOT_FOUND"));
  assert.equal((await readAll(store, fresh)).length, CHUNK_BYTES);
});
