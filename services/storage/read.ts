/**
 * Reads a UnixFS file block by block from a source that is not trusted: every block is checked against its hash before
 * it is parsed, and the sizes that the root declares bound the walk.
 */
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { decode } from "@ipld/dag-pb";
import { UnixFS } from "ipfs-unixfs";
import type { CID } from "multiformats/cid";
import { verified, type BlockStore, type CallOptions } from "./blocks.ts";
import { RAW, checked } from "./cid.ts";

export interface ReadOptions extends CallOptions {
  /** Refuse files larger than this; default 16 GiB. */
  readonly maxBytes?: number | undefined;
}

/** Children of one node that are fetched ahead. */
const AHEAD = 8;
const MAX_DEPTH = 16;
/** Least mean size of a file's blocks; a graph of emptier ones is refused as hostile. */
const LEAST_BLOCK_BYTES = 1024;

interface Node {
  /** Bytes of the whole subtree, as declared. */
  readonly size: number;
  readonly data: Uint8Array;
  readonly children: readonly { readonly cid: CID; readonly size: number }[];
}

/** Throws CONTENT_NOT_FOUND, BLOCK_CORRUPT, CONTENT_TOO_LARGE, CONTENT_UNREADABLE. */
export async function* readFile(
  blocks: BlockStore,
  root: CID,
  { maxBytes = 16 * 2 ** 30, signal }: ReadOptions = {},
): AsyncGenerator<Uint8Array> {
  let budget = 64 + maxBytes / LEAST_BLOCK_BYTES;

  const load = async (cid: CID): Promise<Node> => {
    signal?.throwIfAborted();
    if (budget-- <= 0) throw unreadable(root, "it has too many blocks for its size");
    return parse(root, cid, verified(checked(cid), await blocks.get(cid, { signal }), "the store"));
  };

  async function* walk(node: Node, depth: number): AsyncGenerator<Uint8Array> {
    if (depth > MAX_DEPTH) throw unreadable(root, "its tree is too deep");
    if (node.data.length > 0) yield node.data;
    const ahead: Promise<Node>[] = [];
    let next = 0;
    for (const { size } of node.children) {
      while (ahead.length < AHEAD && next < node.children.length) {
        const child = load((node.children[next++] as { cid: CID }).cid);
        // Reported when its turn comes; until then it must not count as unhandled.
        child.catch(() => undefined);
        ahead.push(child);
      }
      const child = await (ahead.shift() as Promise<Node>);
      if (child.size !== size) throw unreadable(root, "its blocks have other sizes than declared");
      yield* walk(child, depth + 1);
    }
  }

  const file = await load(root);
  if (file.size > maxBytes) throw tooLarge(root, maxBytes);
  budget = 64 + file.size / LEAST_BLOCK_BYTES;
  yield* walk(file, 0);
}

const parse = (root: CID, cid: CID, bytes: Uint8Array): Node => {
  if (cid.code === RAW) return { size: bytes.length, data: bytes, children: [] };
  try {
    const { Data, Links } = decode(bytes);
    const entry = UnixFS.unmarshal(Data ?? new Uint8Array(0));
    if (entry.type !== "file" && entry.type !== "raw")
      throw unreadable(root, `it is a ${entry.type}`);
    if (Links.length !== entry.blockSizes.length)
      throw unreadable(root, "a node has other links than sizes");
    return {
      size: Number(entry.fileSize()),
      data: entry.data ?? new Uint8Array(0),
      children: Links.map(({ Hash }, i) => ({
        cid: Hash,
        size: Number(entry.blockSizes[i]),
      })),
    };
  } catch (error) {
    throw isAssayError(error) ? error : unreadable(root, "a block does not parse", error);
  }
};

const tooLarge = (cid: CID, maxBytes: number): AssayError =>
  new AssayError("CONTENT_TOO_LARGE", `file ${cid.toString()} is larger than ${maxBytes} bytes`, {
    remedy: "Raise the size limit, or use a smaller file.",
    details: { cid: cid.toString(), maxBytes },
  });

const unreadable = (cid: CID, why: string, cause?: unknown): AssayError =>
  new AssayError("CONTENT_UNREADABLE", `${cid.toString()} is not a file that can be read: ${why}`, {
    remedy: "Check the CID: it must name one file, as `assay` prints it.",
    details: { cid: cid.toString() },
    cause,
  });
