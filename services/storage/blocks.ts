/** Where blocks live. One file per back end; `content.ts` makes files of them. */
import { hash } from "node:crypto";
import { AssayError } from "@assay/protocol/errors";
import type { CID } from "multiformats/cid";

/** Largest block that is stored or accepted: leaves are 1 MiB, an inner node of 1024 links is far below. */
export const MAX_BLOCK_BYTES = 2 * 1024 * 1024;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A key-value store of blocks. Callers check what `get` returns with {@link verified}. */
export interface BlockStore {
  has(cid: CID, options?: CallOptions): Promise<boolean>;
  /** Throws CONTENT_NOT_FOUND where the block is absent. */
  get(cid: CID, options?: CallOptions): Promise<Uint8Array>;
  /** Idempotent. */
  put(cid: CID, bytes: Uint8Array, options?: CallOptions): Promise<void>;
  delete(cid: CID, options?: CallOptions): Promise<void>;
}

/** Whether these bytes are the block that `cid` names. */
export const matches = (cid: CID, bytes: Uint8Array): boolean =>
  hash("sha256", bytes, "hex") === Buffer.from(cid.multihash.digest).toString("hex");

/** The bytes, if they are the block that `cid` names; else BLOCK_CORRUPT. */
export const verified = (cid: CID, bytes: Uint8Array, source: string): Uint8Array => {
  if (matches(cid, bytes)) return bytes;
  throw new AssayError(
    "BLOCK_CORRUPT",
    `${source} returned other bytes than block ${cid.toString()} has`,
    {
      remedy:
        "Fetch from another gateway, or delete the block from the local store and fetch it again.",
      retryable: true,
      details: { cid: cid.toString(), source, bytes: bytes.length },
    },
  );
};

export const notFound = (cid: CID, source: string, cause?: unknown): AssayError =>
  new AssayError("CONTENT_NOT_FOUND", `block ${cid.toString()} is not in ${source}`, {
    remedy: "Check the CID, or wait until its owner has uploaded it, then try again.",
    retryable: true,
    details: { cid: cid.toString(), source },
    cause,
  });
