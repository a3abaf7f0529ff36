/** What is agreed in a dispute as it goes down, and what every opening and pointing is held against: a contract, without clocks and money. */
import type { TraceHeader } from "@assay/protocol/commitments/bindings";
import { ABSENT, fromHex, type Hex } from "@assay/protocol/commitments/hash";
import {
  CHUNK_ELEMENTS,
  chunkCount,
  chunkLeaf,
  tensorRootOf,
} from "@assay/protocol/commitments/tensor";
import { nodeHash, treeDepth, verifyProof } from "@assay/protocol/commitments/tree";
import { elements, terms } from "../ir/shape.ts";
import { DTYPE, type Op, type TensorType } from "../ir/types.ts";
import { decodeBits, encodeBits } from "../reference/bits.ts";
import {
  canonicalBits,
  type Claims,
  claimedResult,
  examine,
  type Place,
} from "../trace/descent/claims.ts";
import {
  advance,
  childSources,
  type Course,
  opAt,
  opLeaves,
  parameters,
  stepOf,
  stepsIn,
  treeLeaves,
  typesOf,
} from "../trace/descent/course.ts";
import type { Opening, OpeningOf, PreviousState } from "../trace/descent/openings.ts";
import {
  type Pointing,
  type Position,
  type PositionOf,
  type Section,
} from "../trace/descent/positions.ts";
import { nodeHasher as hasher } from "../trace/hasher.ts";

/** What the chain knows of a job and its submission. */
export interface Case {
  readonly course: Course;
  readonly seed: bigint;
  readonly dataRoot: Hex;
  readonly parentRoot: Hex;
  readonly startRoot: Hex;
  readonly header: TraceHeader;
}

/** Thrown when the provider loses at once. */
export class Refused extends Error {}

function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Refused(what);
}

const isRoot = (value: Hex): boolean => /^0x[0-9a-f]{64}$/.test(value);

/** What is agreed or bound so far; grows with the descent. */
export class Ledger {
  position: Position = { kind: "trace" };
  readonly of: Case;
  /** Hash that the next opening has to match. */
  #value: Hex = ABSENT;
  /** Bits of the disputed element or accumulator, and those of the accumulator before it. */
  #bits = 0;
  #known = 0;
  readonly #rest = new Map<"steps" | "ops" | "terms", Hex>();
  #shown: Opening | undefined;
  #claims: Claims = { accumulator: 0, operands: [] };

  constructor(of: Case) {
    this.of = of;
  }

  /** Throws {@link Refused} unless the opening is canonical and fits what it is bound to. */
  check(opening: Opening): void {
    const { position } = this;
    const { course } = this.of;
    this.#shown = opening;
    if (position.kind === "trace") return;
    if ("path" in position) return this.#checkTree(position, opening);
    if (position.kind === "assembly") {
      demand(opening.kind === "node", "another kind of opening");
      childSources(course, position.section, position.node).forEach((child, i) =>
        demand(child.kind !== "absent" || opening.children[i] === ABSENT, "junk in absent child"),
      );
      this.#checkNode(opening.children, this.#value);
      return;
    }
    if (position.kind === "chunk" || position.kind === "accumulators") {
      demand(opening.kind === "elements", "another kind of opening");
      return this.#checkElements(position, opening.bytes);
    }
    if (position.kind === "scalar") {
      demand(opening.kind === "claims", "another kind of opening");
      this.#claims = opening.claims;
      const result = claimedResult(this.#place(position), opening.claims, this.#known);
      demand(result === this.#bits, "scalar");
      return;
    }
    this.#checkProof(position, opening);
  }

  /** Throws what `advance` throws. */
  point(pointing: Pointing): void {
    const shown = this.#shown;
    if (shown === undefined) throw new RangeError("nothing was shown");
    const from = this.position;
    const after = advance(this.of.course, from, pointing);
    if (from.kind === "trace") this.#enterTrace(pointing);
    else if (pointing.to === "last" && shown.kind === "level") this.#value = shown.last;
    else if (pointing.to === "child") this.#enterChild(shown, pointing.index);
    else if (pointing.to === "element") this.#enterElement(from, after, shown, pointing.index);
    else if (pointing.to === "read") this.#demandRead(from as PositionOf<"scalar">, pointing.read);
    this.position = after;
  }

  /** At the ends where nothing is shown. */
  judge(): "provider" | "challenger" | undefined {
    const { position } = this;
    const { header, startRoot } = this.of;
    const wants = (holds: boolean) => (holds ? "provider" : "challenger");
    if (position.kind === "start") return wants(this.#value === startRoot);
    if (position.kind !== "nothing") return undefined;
    return wants((position.of === "model" ? header.modelRoot : header.evalRoot) === ABSENT);
  }

  #enterTrace({ to }: Pointing): void {
    const { header } = this.of;
    if (to === "prefix") this.#value = header.prefixRoot;
    if (to === "final") this.#value = header.stateRoot;
    if (to === "model") this.#value = header.modelRoot;
    if (to === "evaluation") this.#value = header.evalRoot;
  }

  #enterChild(shown: Opening, index: number): void {
    if (shown.kind === "level" || shown.kind === "terms")
      this.#value = shown.children?.[index] ?? shown.rest;
    else if (shown.kind === "node" || shown.kind === "tensor")
      this.#value = shown.children[index] as Hex;
  }

  #enterElement(from: Position, after: Position, shown: Opening, index: number): void {
    const bytes = fromHex(
      shown.kind === "elements" ? shown.bytes : (shown as OpeningOf<"terms">).lastChunk,
    );
    const view = new DataView(bytes.buffer);
    this.#bits = view.getUint32(4 * index, true);
    if (after.kind !== "scalar") return;
    const op = this.#op(after);
    const initial = op.form === "fold" ? op.initial : 0;
    const first = encodeBits(decodeBits(initial, op.out.dtype), op.out.dtype);
    this.#known =
      from.kind === "chunk" || index === 0 ? first : view.getUint32(4 * (index - 1), true);
  }

  #demandRead(position: PositionOf<"scalar">, read: number): void {
    const { reads } = examine(this.#place(position), this.#claims);
    if (!reads.some((one) => one.read === read)) throw new RangeError(`nothing is read as ${read}`);
  }

  // Trees

  #checkTree(position: Extract<Position, { path: unknown }>, opening: Opening): void {
    const { course } = this.of;
    const count = treeLeaves(course, position);
    const level = position.kind === "chunks" ? "tensor" : position.kind;
    if (position.path.length > 0 || level === "checkpoints" || level === "model") {
      demand(opening.kind === "node", "another kind of opening");
      this.#checkChildren(count, position.path, opening.children, this.#value);
      return;
    }
    if (level === "tensor") {
      demand(opening.kind === "tensor" && isRoot(opening.chunks), "another kind of opening");
      const { out } = this.#op(position as PositionOf<"chunks">);
      demand(this.#tensorRoot(out, opening.chunks) === this.#value, "tensor header");
      this.#checkChildren(count, [], opening.children, opening.chunks);
      return;
    }
    demand(opening.kind === (level === "terms" ? "terms" : "level"), "another kind of opening");
    const shown = opening as OpeningOf<"level" | "terms">;
    demand(shown.count === count + 1, "number of leaves");
    if (shown.kind === "level") {
      demand(shown.level === level && shown.last === this.#value, "last leaf");
      if (shown.level === "ops") demand(count + 1 === opLeaves(course, this.#section()), "ops");
    } else {
      this.#checkLastChunk(position as PositionOf<"terms">, shown.lastChunk, count);
    }
    demand(isRoot(shown.rest), "rest");
    this.#rest.set(level, shown.rest);
    demand((treeDepth(count) === 0) === (shown.children === null), "children");
    if (shown.children !== null) this.#checkChildren(count, [], shown.children, shown.rest);
  }

  #checkChildren(count: number, path: readonly number[], children: readonly Hex[], root: Hex) {
    const height = treeDepth(count) - path.length - 1;
    const first = path.reduce((sum, child) => 16 * sum + child, 0) * 16;
    children.forEach((child, i) =>
      demand((first + i) * 16 ** height < count || child === ABSENT, "junk in absent child"),
    );
    this.#checkNode(children, root);
  }

  #checkNode(children: readonly Hex[], root: Hex): void {
    demand(children.length === 16 && children.every(isRoot), "children");
    demand(nodeHash(hasher, children) === root, "hash of the children");
  }

  // Chunks

  #checkElements(position: PositionOf<"chunk" | "accumulators">, bytes: Hex): void {
    const op = this.#op(position);
    if (position.kind === "accumulators") {
      this.#checkChunkBytes(terms(op), position.chunk, bytes);
      const whole = chunkCount(terms(op)) === 1;
      if (whole) demand(this.#last(bytes) === this.#bits, "last accumulator");
      else demand(this.#chunkLeaf(op.out, position.chunk, bytes) === this.#value, "chunk");
      return;
    }
    const count = elements(op.out.shape);
    this.#checkChunkBytes(count, position.chunk, bytes);
    const leaf = this.#chunkLeaf(op.out, position.chunk, bytes);
    const value = chunkCount(count) === 1 ? this.#tensorRoot(op.out, leaf) : leaf;
    demand(value === this.#value, "chunk");
  }

  #checkLastChunk(position: PositionOf<"terms">, bytes: Hex, chunk: number): void {
    this.#checkChunkBytes(terms(this.#op(position)), chunk, bytes);
    demand(this.#last(bytes) === this.#bits, "last accumulator");
  }

  #checkChunkBytes(count: number, chunk: number, bytes: Hex): void {
    const size = 4 * Math.min(CHUNK_ELEMENTS, count - chunk * CHUNK_ELEMENTS);
    demand(bytes.length === 2 + 2 * size && /^0x[0-9a-f]*$/.test(bytes), "length of a chunk");
  }

  #last(bytes: Hex): number {
    const all = fromHex(bytes);
    return new DataView(all.buffer).getUint32(all.length - 4, true);
  }

  #chunkLeaf = ({ dtype }: TensorType, chunk: number, bytes: Hex): Hex =>
    chunkLeaf(hasher, DTYPE[dtype], chunk, fromHex(bytes));

  #tensorRoot = ({ dtype, shape }: TensorType, chunks: Hex): Hex =>
    tensorRootOf(hasher, DTYPE[dtype], shape, chunks);

  // Proofs

  #checkProof(position: Position, opening: Opening): void {
    const { course, header } = this.of;
    if (position.kind === "parameter") {
      demand(opening.kind === "leaf", "another kind of opening");
      const s = parameters(course)[position.parameter] as number;
      const { length } = course.program.state;
      const holds = verifyProof(hasher, header.stateRoot, length, s, this.#value, opening.proof);
      demand(holds, "leaf");
      return;
    }
    if (position.kind === "source") {
      demand(opening.kind === "leaf", "another kind of opening");
      return this.#checkSource(position, opening);
    }
    if (position.kind !== "read") throw new RangeError(`nothing to prove at ${position.kind}`);
    if (position.read === 0) {
      demand(opening.kind === "accumulator", "another kind of opening");
      return this.#checkAccumulator(position, opening);
    }
    demand(opening.kind === "element", "another kind of opening");
    this.#checkElement(position, opening);
  }

  #checkSource(position: PositionOf<"source">, opening: OpeningOf<"leaf">): void {
    const { course } = this.of;
    const { section, node, child } = position;
    const source = childSources(course, section, node)[child];
    demand(source !== undefined && source.kind !== "absent", "source");
    if (source.kind === "state") {
      const root = this.#previous(section, opening.previous);
      const count = course.program.state.length;
      demand(
        verifyProof(hasher, root, count, source.index, this.#value, opening.proof),
        "leaf of the state",
      );
      return;
    }
    const ops = course.program[section.list].length;
    const index = source.kind === "node" ? ops + source.index : source.index;
    demand(this.#underOps(section, index, this.#value, opening.proof), "leaf of the ops");
  }

  #underOps(section: Section, index: number, leaf: Hex, proof: readonly (readonly Hex[])[]) {
    const count = opLeaves(this.of.course, section) - 1;
    return verifyProof(hasher, this.#rest.get("ops") ?? ABSENT, count, index, leaf, proof);
  }

  #previous(section: Section, previous: PreviousState | null): Hex {
    demand(previous !== null, "state before");
    const { course, header } = this.of;
    const { root, proof } = previous;
    if (section.list === "eval") demand(root === header.stateRoot, "state before");
    if (section.list !== "step") return root;
    const [tree, count, index] =
      section.step === 0
        ? [header.prefixRoot, course.intervals, section.interval - 1]
        : [this.#rest.get("steps"), stepsIn(course, section.interval) - 1, section.step - 1];
    demand(verifyProof(hasher, tree ?? ABSENT, count, index, root, proof), "state before");
    return root;
  }

  #checkAccumulator(position: PositionOf<"read">, opening: OpeningOf<"accumulator">): void {
    const op = this.#op(position);
    const chunk = position.term / CHUNK_ELEMENTS - 1;
    this.#checkChunkBytes(terms(op), chunk, opening.bytes);
    demand(this.#last(opening.bytes) === this.#claims.accumulator, "accumulator");
    const leaf = this.#chunkLeaf(op.out, chunk, opening.bytes);
    const count = chunkCount(terms(op)) - 1;
    const rest = this.#rest.get("terms") ?? ABSENT;
    demand(verifyProof(hasher, rest, count, chunk, leaf, opening.chunk), "chunk of accumulators");
  }

  #checkElement(position: PositionOf<"read">, opening: OpeningOf<"element">): void {
    const { course, dataRoot, parentRoot } = this.of;
    const { section } = position;
    const place = this.#place(position);
    const found = examine(place, this.#claims).reads.find((one) => one.read === position.read);
    if (found === undefined || found.kind === "accumulator") throw new RangeError("no such read");
    const { source, address, bits } = found;
    const type = typesOf(course, section)(source);
    const count = elements(type.shape);
    const chunk = Math.floor(address / CHUNK_ELEMENTS);
    this.#checkChunkBytes(count, chunk, opening.bytes);
    const shown = new DataView(fromHex(opening.bytes).buffer).getUint32(
      4 * (address % CHUNK_ELEMENTS),
      true,
    );
    demand(canonicalBits(shown, type) === bits, "operand");
    const chunks = this.#treeAbove(
      chunkCount(count),
      chunk,
      this.#chunkLeaf(type, chunk, opening.bytes),
      opening.chunk,
    );
    const tensor = this.#tensorRoot(type, chunks);
    if (source.kind === "value") {
      demand(this.#underOps(section, source.index, tensor, opening.tensor), "tensor of the ops");
      return;
    }
    const { length } = course.program[source.kind];
    const root =
      source.kind === "state"
        ? this.#previous(section, opening.previous)
        : { data: dataRoot, parent: parentRoot }[source.kind];
    demand(
      verifyProof(hasher, root, length, source.index, tensor, opening.tensor),
      `tensor of ${source.kind}`,
    );
  }

  /** Root that a proof leads to. */
  #treeAbove(count: number, index: number, leaf: Hex, proof: readonly (readonly Hex[])[]): Hex {
    demand(proof.length === treeDepth(count), "proof");
    let [value, place] = [leaf, index];
    for (const siblings of proof) {
      const at = place % 16;
      demand(siblings.length === 15 && siblings.every(isRoot), "proof");
      value = nodeHash(hasher, [...siblings.slice(0, at), value, ...siblings.slice(at)]);
      place = Math.floor(place / 16);
    }
    demand(verifyProof(hasher, value, count, index, leaf, proof), "proof");
    return value;
  }

  // Where

  #section(): Section {
    return (this.position as PositionOf<"ops">).section;
  }

  #op({ section, op }: { readonly section: Section; readonly op: number }): Op {
    return opAt(this.of.course, section, op);
  }

  #place(position: PositionOf<"scalar" | "read">): Place {
    const { course, seed } = this.of;
    const { section, element, term } = position;
    const step = stepOf(course, section);
    return { op: this.#op(position), element, term, step, seed, typeOf: typesOf(course, section) };
  }
}
