/** Where a provider's opening first differs from one's own: what an honest challenger points at. */
import type { TraceHeader } from "@assay/protocol/commitments/bindings";
import type { Hex } from "@assay/protocol/commitments/hash";
import type { Claims } from "./claims.ts";
import type { Children, Opening } from "./openings.ts";
import type { Pointing } from "./positions.ts";

const same = (a: Hex | undefined, b: Hex | undefined): boolean =>
  a?.toLowerCase() === b?.toLowerCase();

function firstChild(own: readonly Hex[], theirs: readonly Hex[]): Pointing | undefined {
  const index = own.findIndex((child, i) => !same(child, theirs[i]));
  return index < 0 ? undefined : { to: "child", index };
}

/** For the tree over all leaves of a level but the last. */
function firstOfRest(
  own: { readonly rest: Hex; readonly children: Children },
  theirs: { readonly rest: Hex; readonly children: Children },
): Pointing | undefined {
  if (same(own.rest, theirs.rest)) return undefined;
  if (own.children === null || theirs.children === null) return { to: "child", index: 0 };
  return firstChild(own.children, theirs.children);
}

function firstPart(own: TraceHeader, theirs: TraceHeader): Pointing | undefined {
  const parts = [
    ["prefixRoot", "prefix"],
    ["stateRoot", "final"],
    ["modelRoot", "model"],
    ["evalRoot", "evaluation"],
  ] as const;
  const found = parts.find(([part]) => !same(own[part], theirs[part]));
  return found && { to: found[1] };
}

function firstElement(own: Hex, theirs: Hex): Pointing | undefined {
  for (let at = 2; at < own.length; at += 8) {
    if (!same(own.slice(at, at + 8) as Hex, theirs.slice(at, at + 8) as Hex))
      return { to: "element", index: (at - 2) / 8 };
  }
  return undefined;
}

/** The accumulator first, then operand by operand the row before the value it picks. */
function firstClaim(own: Claims, theirs: Claims): Pointing | undefined {
  if (own.accumulator !== theirs.accumulator) return { to: "read", read: 0 };
  for (const [k, { row, value }] of own.operands.entries()) {
    if (row !== theirs.operands[k]?.row) return { to: "read", read: 1 + 2 * k };
    if (value !== theirs.operands[k]?.value) return { to: "read", read: 2 + 2 * k };
  }
  return undefined;
}

/**
 * What to point at among `theirs`, given one's own opening of the same position; undefined when nothing differs. An
 * opening of another kind than one's own is not canonical, and the referee does not take it. Everything before the
 * difference is agreed, so whoever computed right is right about what follows.
 */
export function firstDifference(own: Opening, theirs: Opening): Pointing | undefined {
  if (own.kind === "trace" && theirs.kind === "trace") return firstPart(own.header, theirs.header);
  if (own.kind === "node" && theirs.kind === "node")
    return firstChild(own.children, theirs.children);
  if (own.kind === "level" && theirs.kind === "level")
    return firstOfRest(own, theirs) ?? (same(own.last, theirs.last) ? undefined : { to: "last" });
  if (own.kind === "tensor" && theirs.kind === "tensor")
    return firstChild(own.children, theirs.children);
  if (own.kind === "terms" && theirs.kind === "terms")
    return firstOfRest(own, theirs) ?? firstElement(own.lastChunk, theirs.lastChunk);
  if (own.kind === "elements" && theirs.kind === "elements")
    return firstElement(own.bytes, theirs.bytes);
  if (own.kind === "claims" && theirs.kind === "claims")
    return firstClaim(own.claims, theirs.claims);
  return undefined;
}
