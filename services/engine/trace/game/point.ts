/** What an honest challenger points at: the first thing shown that differs from its own run. */
import type { ChallengerMove, Claims, Position, TargetName } from "@assay/protocol/domain/disputes";
import type { TraceHeader } from "@assay/protocol/commitments/bindings";
import { ABSENT, type Hex } from "@assay/protocol/commitments/hash";
import { ARITY } from "@assay/protocol/commitments/tree";
import { elements } from "../../ir/shape.ts";
import { type Reading, readingAt } from "../../reference/scalar.ts";
import { canonicalBits } from "../descent/claims.ts";
import { opAt, typesOf } from "../descent/course.ts";
import type { Views } from "../descent/views.ts";
import { claimsAt } from "./answer.ts";
import { chunkAt, levelOf, listAt, pathOf, phaseOf, sectionOf } from "./level.ts";

/** What the provider showed last. */
export interface Shown {
  readonly children: readonly Hex[];
  readonly chunk: Hex;
  readonly claims: Claims;
}

const LAST_ENTRY = 16;
const ROWS = 3;
const ACCUMULATOR = 6;

const same = (a: Hex | undefined, b: Hex | undefined): boolean =>
  a?.toLowerCase() === b?.toLowerCase();

/** What of a submission to challenge first; undefined when all of it is right. */
export function wrongTarget(own: TraceHeader, theirs: TraceHeader): TargetName | undefined {
  const parts = [
    ["prefixRoot", "checkpoint"],
    ["stateRoot", "lastState"],
    ["modelRoot", "model"],
    ["evalRoot", "evaluation"],
  ] as const;
  return parts.find(([part]) => !same(own[part], theirs[part]))?.[1];
}

/** The challenger's move; undefined when nothing that was shown is wrong. Throws a RangeError when it is not the challenger's turn. */
export async function pointAt(
  views: Views,
  p: Position,
  shown: Shown,
): Promise<ChallengerMove | undefined> {
  switch (phaseOf(p)) {
    case "point":
      return pointChild(views, p, shown.children);
    case "element": {
      const place = firstElement(await chunkAt(views, p), shown.chunk);
      return place === undefined ? undefined : { move: "pointElement", place };
    }
    case "claim": {
      const claim = await wrongClaim(views, p, shown.claims);
      return claim === undefined ? undefined : { move: "pointClaim", claim };
    }
    default:
      throw new RangeError(`the challenger points at nothing in phase ${phaseOf(p)}`);
  }
}

/** Children of a position's node that are there, by the count. */
function presentChildren({ count, index, height }: Position): number {
  const under = ARITY ** (height - 1);
  return Math.min(ARITY, Math.ceil(count / under) - index * ARITY);
}

async function pointChild(
  views: Views,
  p: Position,
  children: readonly Hex[],
): Promise<ChallengerMove | undefined> {
  const { tree, last } = await listAt(views, p);
  const whole = p.height === 0;
  const own = whole ? [tree.root] : await tree.children(pathOf(p));
  const theirs = whole ? [p.node] : children;
  const present = whole ? 1 : presentChildren(p);
  const pick = own.slice(0, present).findIndex((child, i) => !same(child, theirs[i]));
  if (pick >= 0) return { move: "point", pick };
  if (p.last !== ABSENT)
    return same(p.last, last) ? undefined : { move: "point", pick: LAST_ENTRY };
  // Accumulators that are all right end in other bits than the disputed ones: their last chunk cannot be shown.
  return levelOf(p) === "term" ? { move: "point", pick: present - 1 } : undefined;
}

function firstElement(own: Hex, theirs: Hex): number | undefined {
  for (let at = 2; at < own.length; at += 8)
    if (own.slice(at, at + 8).toLowerCase() !== theirs.slice(at, at + 8).toLowerCase())
      return (at - 2) / 8;
  return undefined;
}

/**
 * The first claim that makes the operation read what it should not. Claims that it ignores (guarded, fixed by the op) are never
 * wrong. A row before the value it picks; where the table has no such row the operand is +0 whatever row is claimed, and with
 * another value the row cannot be proven.
 */
async function wrongClaim(views: Views, p: Position, shown: Claims): Promise<number | undefined> {
  const own = await claimsAt(views, p);
  const section = sectionOf(views, p);
  const op = opAt(views.course, section, p.op);
  const typeOf = typesOf(views.course, section);
  const readings = op.operands.map((_, k) =>
    readingAt(op, k, p.element, p.term, shown.rows[k] ?? 0),
  );
  const isWrongRow = ({ row, value }: Reading, k: number): boolean => {
    if (row === undefined) return false;
    const size = elements(typeOf(row.source).shape);
    return row.address >= 0 && row.address < size
      ? own.rows[k] !== shown.rows[k]
      : value !== undefined && shown.values[k] !== 0;
  };
  const row = readings.findIndex(isWrongRow);
  if (row >= 0) return ROWS + row;
  // Another NaN than the canonical one reads the same: the provider could prove it.
  const value = readings.findIndex(
    ({ value: read }, k) =>
      read !== undefined &&
      own.values[k] !== canonicalBits(shown.values[k] ?? 0, typeOf(read.source)),
  );
  if (value >= 0) return value;
  return !p.accumulatorKnown && own.accumulator !== shown.accumulator ? ACCUMULATOR : undefined;
}
