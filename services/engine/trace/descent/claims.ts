/**
 * What a provider claims about the operands of one scalar operation, and which of it rests on memory and so can be
 * asked to be proven. Guards, addresses, immediates, the step and the seed follow from program and position.
 */
import { CHUNK_ELEMENTS } from "@assay/protocol/commitments/tensor";
import type { Op, TensorType } from "../../ir/types.ts";
import { CANONICAL_NAN } from "../../reference/bits.ts";
import {
  type MemorySource,
  operandAt,
  type ScalarSources,
  scalarStep,
} from "../../reference/scalar.ts";

/** Claimed bits (u32). What the operation does not read is 0. */
export interface Claims {
  /** Accumulator before the term, where it is a {@link Read}; else it is known and 0 here. */
  readonly accumulator: number;
  /** Per operand of the op: the element that picks its row, and its value. */
  readonly operands: readonly { readonly row: number; readonly value: number }[];
}

/** A claim about memory. Numbers: 0 the accumulator, `1 + 2k` the row of operand k, `2 + 2k` its value. */
export type Read =
  | { readonly read: 0; readonly kind: "accumulator" }
  | {
      readonly read: number;
      readonly kind: "row" | "value";
      readonly source: MemorySource;
      /** Element of the source tensor, inside it. */
      readonly address: number;
      readonly bits: number;
    };

/** What claims lead to at one place. */
export interface Examined {
  /** In the order in which a challenger compares them: a row comes before the value it picks. */
  readonly reads: readonly Read[];
  /** Operand bits (u32) for the primitive. */
  readonly operands: readonly number[];
}

/** One scalar operation, and what it takes from its surroundings without a claim. */
export interface Place {
  readonly op: Op;
  readonly element: number;
  readonly term: number;
  readonly step: number;
  readonly seed: bigint;
  readonly typeOf: (source: MemorySource) => TensorType;
}

/**
 * Whether the accumulator before a term is claimed: it is when it lies in another chunk than the term's own, which
 * the dispute has seen; the one before the first term is the op's initial value.
 */
export const claimsAccumulator = (op: Op, term: number): boolean =>
  op.form === "fold" && term > 0 && term % CHUNK_ELEMENTS === 0;

/** Follows the claims through the op's accesses. Never fails: the claims of a liar lead somewhere too. */
export function examine(place: Place, claims: Claims): Examined {
  const { op, element, term } = place;
  const reads: Read[] = claimsAccumulator(op, term) ? [{ read: 0, kind: "accumulator" }] : [];
  const operands = op.operands.map((operand, k) => {
    const claim = claims.operands[k] ?? { row: 0, value: 0 };
    let wantsRow = operand.indirection !== null;
    const sources: ScalarSources = {
      ...place,
      read: (source, address) => {
        const kind = wantsRow ? "row" : "value";
        wantsRow = false;
        const bits = claim[kind];
        reads.push({ read: (kind === "row" ? 1 : 2) + 2 * k, kind, source, address, bits });
        return bits;
      },
    };
    return operandAt(op, k, element, term, sources).bits;
  });
  return { reads, operands };
}

/** Result (u32) of the operation on the claims; `known` is the accumulator where it is not claimed. */
export function claimedResult(place: Place, claims: Claims, known: number): number {
  const { op, term, seed } = place;
  const accumulator = claimsAccumulator(op, term) ? claims.accumulator : known;
  return scalarStep(op, accumulator, examine(place, claims).operands, seed);
}

/** The true claims, from memory. */
export function trueClaims(place: Place, memory: ScalarSources, accumulator: number): Claims {
  const { op, element, term } = place;
  return {
    accumulator: claimsAccumulator(op, term) ? accumulator : 0,
    operands: op.operands.map((_, k) => {
      const { address, row, bits } = operandAt(op, k, element, term, memory);
      return { row: (row?.value ?? 0) >>> 0, value: address === undefined ? 0 : bits };
    }),
  };
}

/** An element of memory as an operand reads it: any NaN of an f32 is the canonical one. */
export const canonicalBits = (bits: number, { dtype }: TensorType): number =>
  dtype === "f32" && (bits & 0x7fffffff) > 0x7f800000 ? CANONICAL_NAN : bits >>> 0;
