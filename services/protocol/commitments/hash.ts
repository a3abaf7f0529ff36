/** Bytes as `0x` and lower-case hexadecimal digits; a root is 32 bytes. */
export type Hex = `0x${string}`;

/**
 * SHA-256, passed in so that this folder runs in browsers, Node and workers alike. Writing the digest in place
 * saves one allocation per hash, which is most of the cost of a small hash.
 */
export interface Hasher {
  /** Writes the 32 bytes of SHA-256(`message`) to `target` at `offset`. */
  into(message: Uint8Array, target: Uint8Array, offset: number): void;
}

/** A {@link Hasher} from any function that returns the 32-byte digest (`@noble/hashes`, viem's `sha256(x, "bytes")`). */
export const hasherOf = (sha256: (message: Uint8Array) => Uint8Array): Hasher => ({
  into: (message, target, offset) => target.set(sha256(message), offset),
});

/** The value at an absent position of a tree, and the root of a tree of nothing. */
export const ABSENT: Hex = `0x${"00".repeat(32)}`;

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Hexadecimal form of bytes. */
export function toHex(bytes: Uint8Array): Hex {
  let text = "";
  for (const byte of bytes) text += digits[byte];
  return `0x${text}`;
}

/** Bytes of a hexadecimal form. Throws a RangeError unless it is `0x` and whole bytes. */
export function fromHex(hex: Hex): Uint8Array {
  if (!/^0x([0-9a-f]{2})*$/i.test(hex))
    throw new RangeError(`not hexadecimal bytes: ${hex.slice(0, 80)}`);
  const bytes = new Uint8Array((hex.length - 2) / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(hex.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}

/** 32-byte roots one after the other, as the trees want them. */
export function packRoots(roots: readonly Hex[]): Uint8Array {
  const flat = new Uint8Array(32 * roots.length);
  roots.forEach((root, i) => {
    const bytes = fromHex(root);
    if (bytes.length !== 32) throw new RangeError(`a root has 32 bytes, this one ${bytes.length}`);
    flat.set(bytes, 32 * i);
  });
  return flat;
}

/** SHA-256 of the parts one after the other. */
export function hashOf(hasher: Hasher, ...parts: readonly Uint8Array[]): Hex {
  const message = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  const digest = new Uint8Array(32);
  hasher.into(message, digest, 0);
  return toHex(digest);
}

/** Four bytes, big-endian. */
export const u32 = (value: number): Uint8Array =>
  Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);

/** Two bytes, big-endian. */
export const u16 = (value: number): Uint8Array => Uint8Array.of((value >>> 8) & 0xff, value & 0xff);
