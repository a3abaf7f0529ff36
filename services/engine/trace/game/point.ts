/** The challenger's side of the dispute game: points at the first thing that its own run has otherwise. */
import { ABSENT, type Hex } from "@assay/protocol/commitments/hash";
import {
  type ChallengerMove,
  type Claims,
  PHASES,
  type Position,
  type TargetName,
} from "@assay/protocol/domain/disputes";
import type { TraceHeader } from "@assay/protocol/commitments/bindings";
import { AssayError } from "@assay/protocol/errors";
import type { Operand } from "../../ir/types.ts";
import { isGuarded, type OperandValue } from "../../reference/scalar.ts";
import { canonicalBits } from "../descent/claims.ts";
import type { Views } from "../descent/views.ts";
import { ownChunk, ownScalar, ownTree } from "./own.ts";
import { levelOf, opOf, pathOf, presentChildren } from "./place.ts";

/** In a pointing: the entry that ends the list after the tree. */
const LAST_ENTRY = 16;
/** Numbers of claims: an operand's value, its row, the accumulator. */
const CLAIM = { value: 0, row: 3, accumulator: 6 } as const;

/** What the provider showed last. */
export interface Shown {
  /** 16, or anything where the tree is one leaf. */
  readonly children: readonly Hex[];
  readonly chunk: Hex;
  readonly claims: Claims;
}

type Roots = Pick<TraceHeader, "prefixRoot" | "stateRoot" | "modelRoot" | "evalRoot">;

/** What of a submission to challenge, given one's own roots of the same checkpoint; undefined where nothing differs. */
export const firstTarget = (own: Roots, theirs: Roots): TargetName | undefined => {
  const parts = [
    ["prefixRoot", "checkpoint"],
    ["stateRoot", "lastState"],
    ["modelRoot", "model"],
    ["evalRoot", "evaluation"],
  ] as const;
  return parts.find(([part]) => !same(own[part], theirs[part]))?.[1];
};

const same = (a: Hex | undefined, b: Hex | undefined): boolean =>
  a?.toLowerCase() === b?.toLowerCase();

const nothingDiffers = (p: Position): AssayError =>
  new AssayError("ENGINE_GAME_AGREES", "Nothing that the provider shows differs from this run.", {
    remedy: "Do not go on with this game: check the machine that ran the job again.",
    details: { position: p },
  });

/** The challenger's move. @throws ENGINE_GAME_AGREES, a RangeError where it is not the challenger's turn */
export function point(views: Views, p: Position, shown: Shown): Promise<ChallengerMove> {
  switch (PHASES[p.phase]) {
    case "point":
      return pointChild(views, p, shown.children);
    case "element":
      return pointElement(views, p, shown.chunk);
    case "claim":
      return pointClaim(views, p, shown.claims);
    default:
      throw new RangeError(`phase ${p.phase} is not the challenger's`);
  }
}

async function pointChild(
  views: Views,
  p: Position,
  children: readonly Hex[],
): Promise<ChallengerMove> {
  const { tree, last } = await ownTree(views, p);
  const own = p.height === 0 ? [tree.root] : await tree.children(pathOf(p, tree.depth));
  const theirs = p.height === 0 ? [p.node] : children;
  const present = presentChildren(p);
  const wrong = own.slice(0, present).findIndex((child, i) => !same(child, theirs[i]));
  if (wrong >= 0) return { move: "point", pick: wrong };
  if (p.last !== ABSENT && !same(p.last, last)) return { move: "point", pick: LAST_ENTRY };
  // Accumulators that are all right end in other bits than the disputed ones: their last chunk cannot be shown.
  if (levelOf(p) === "term") return { move: "point", pick: present - 1 };
  throw nothingDiffers(p);
}

async function pointElement(views: Views, p: Position, chunk: Hex): Promise<ChallengerMove> {
  const own = await ownChunk(views, p);
  for (let at = 2; at < own.length; at += 8)
    if (!same(own.slice(at, at + 8) as Hex, chunk.slice(at, at + 8) as Hex))
      return { move: "pointElement", place: (at - 2) / 8 };
  throw nothingDiffers(p);
}

async function pointClaim(views: Views, p: Position, claims: Claims): Promise<ChallengerMove> {
  const { operands, accumulator } = await ownScalar(views, p);
  const op = opOf(views.course, p);
  const claimed = operands.map((own, k) => ({
    operand: op.operands[k] as Operand,
    own,
    row: claims.rows[k] ?? 0,
    value: canonicalBits(claims.values[k] ?? 0, { dtype: own.dtype, shape: [] }),
    guarded: isGuarded(op, k, p.element, p.term),
  }));
  const row = claimed.findIndex(isWrongRow);
  if (row >= 0) return { move: "pointClaim", claim: CLAIM.row + row };
  const value = claimed.findIndex(isWrongValue);
  if (value >= 0) return { move: "pointClaim", claim: CLAIM.value + value };
  if (!p.accumulatorKnown && accumulator !== claims.accumulator)
    return { move: "pointClaim", claim: CLAIM.accumulator };
  throw nothingDiffers(p);
}

interface ClaimedOperand {
  readonly operand: Operand;
  readonly own: OperandValue;
  /** Bits (u32), any NaN of an f32 as the canonical one. */
  readonly row: number;
  readonly value: number;
  /** Reads +0 whatever is claimed. */
  readonly guarded: boolean;
}

/** Whether a claimed row counts: outside the limit the operand reads +0, whatever is claimed for its value. */
const isInside = ({ operand, row }: ClaimedOperand): boolean =>
  (row | 0) >= 0 && (row | 0) < (operand.indirection?.limit ?? 0);

/**
 * A row that its table has otherwise; or, where the table ends before it, any row with which another value than +0 was claimed: such
 * a row cannot be proven, such a value might be.
 */
const isWrongRow = (claimed: ClaimedOperand): boolean => {
  const { operand, own, row, value, guarded } = claimed;
  if (operand.indirection === null || guarded) return false;
  if (own.row !== undefined) return own.row.value >>> 0 !== row;
  return isInside(claimed) && value !== 0;
};

const isWrongValue = (claimed: ClaimedOperand): boolean => {
  const { operand, own, value, guarded } = claimed;
  if (!("index" in operand.source) || guarded) return false;
  if (operand.indirection !== null && (own.row === undefined || !isInside(claimed))) return false;
  return own.bits !== value;
};
