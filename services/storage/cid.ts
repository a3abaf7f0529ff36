/** Names of content: a CIDv1 for transport, the 32-byte digest of its root block on chain. */
import { AssayError } from "@assay/protocol/errors";
import { CID } from "multiformats/cid";
import * as Digest from "multiformats/hashes/digest";

/** 0x and lower-case hex digits, as viem has it. */
export type Hex = `0x${string}`;

/** Multicodec and multihash codes of the blocks we keep. */
export const DAG_PB = 0x70;
export const RAW = 0x55;
export const SHA2_256 = 0x12;

const ZERO = `0x${"0".repeat(64)}`;

/** Digest of a file's root block, as contracts hold it. Throws CID_UNSUPPORTED for anything but a sha2-256 dag-pb CIDv1. */
export const digestOf = (cid: CID): Hex => {
  if (cid.version !== 1 || cid.code !== DAG_PB)
    throw unsupported(cid.toString(), "not the root of a file we import");
  return `0x${Buffer.from(checked(cid).multihash.digest).toString("hex")}`;
};

/** The CID under which a file can be fetched whose digest a contract holds. Throws CID_UNSUPPORTED for zero or malformed digests. */
export const cidOfDigest = (digest: Hex): CID => {
  if (!/^0x[0-9a-f]{64}$/i.test(digest) || digest === ZERO)
    throw unsupported(digest, "not a 32-byte digest");
  return CID.createV1(
    DAG_PB,
    Digest.create(SHA2_256, Uint8Array.from(Buffer.from(digest.slice(2), "hex"))),
  );
};

/** A CID typed by a person or received from a peer. Throws CID_UNSUPPORTED. */
export const parseCid = (text: string): CID => {
  let cid: CID;
  try {
    cid = CID.parse(text);
  } catch (cause) {
    throw unsupported(text, "not a CID", cause);
  }
  return checked(cid);
};

/** The same CID if its block is one we can check and read. Throws CID_UNSUPPORTED. */
export const checked = (cid: CID): CID => {
  const { code, digest } = cid.multihash;
  if (code !== SHA2_256 || digest.length !== 32)
    throw unsupported(cid.toString(), "hash is not sha2-256");
  if (cid.version !== 1 || (cid.code !== DAG_PB && cid.code !== RAW))
    throw unsupported(cid.toString(), "not a dag-pb or raw CIDv1");
  return cid;
};

const unsupported = (cid: string, why: string, cause?: unknown): AssayError =>
  new AssayError("CID_UNSUPPORTED", `unsupported content id ${cid}: ${why}`, {
    remedy: "Use a CIDv1 with sha2-256 and dag-pb, as `assay` prints it (bafybei…).",
    details: { cid },
    cause,
  });
