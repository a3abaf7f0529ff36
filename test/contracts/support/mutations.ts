/** Encodings with something wrong about them, and what the engine's checker says to a program. */
import assert from "node:assert/strict";
import { checkProgram } from "@assay/engine/ir/check";
import type { Program } from "@assay/engine/ir/types";
import type { Random } from "@assay/engine/testing/random";
import { AssayError } from "@assay/protocol/errors";

/** The same thing so many times. */
export const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

const EDGES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 0x0e, 0x10, 0x20, 0x40, 0x7f, 0x80, 0xff] as const;

/** One to three bytes changed, or the end cut or lengthened. */
export function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const choice = random.integer(0, 11);
  if (choice === 0) return bytes.slice(0, random.integer(0, bytes.length - 1));
  if (choice === 1) return Uint8Array.from([...bytes, random.pick(EDGES)]);
  const changed = Uint8Array.from(bytes);
  for (let i = random.integer(1, 3); i > 0; i--) {
    const place = random.integer(0, bytes.length - 1);
    changed[place] = random.oneIn(2)
      ? random.pick(EDGES)
      : ((changed[place] as number) + random.integer(-2, 2)) & 0xff;
  }
  return changed;
}

/** The checker's verdict as the place of its fault, undefined for none. */
export function faultPlace(program: Program): string | undefined {
  try {
    checkProgram(program);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof AssayError);
    return String((error.details as { place?: unknown }).place);
  }
}
