/** What an honest provider shows at each position. */
import { ABSENT, fromHex, type Hex } from "@assay/protocol/commitments/hash";
import { CHUNK_ELEMENTS } from "@assay/protocol/commitments/tensor";
import { type Claims, claimsAccumulator, examine, type Place, trueClaims } from "./claims.ts";
import { childSources, opAt, parameters } from "./course.ts";
import type { Opening } from "./openings.ts";
import type { Position, PositionOf } from "./positions.ts";
import { treeOf, type Views } from "./views.ts";

/** Throws a RangeError for a position at which nothing is shown, or which the program does not have. */
export async function answer(views: Views, position: Position): Promise<Opening> {
  switch (position.kind) {
    case "trace":
      return { kind: "trace", header: await views.header() };
    case "checkpoints":
      return { kind: "node", children: (await views.prefix()).children(position.path) };
    case "model":
      return { kind: "node", children: (await views.modelTree()).children(position.path) };
    case "parameter":
      return openParameter(views, position);
    case "steps":
      return openSteps(views, position);
    case "ops":
      return openOps(views, position);
    case "assembly":
      return { kind: "node", children: await childValues(views, position) };
    case "source":
      return openSource(views, position);
    case "chunks":
      return openChunks(views, position);
    case "chunk": {
      const { section, op, chunk } = position;
      const bytes = await views.chunk(section, op, { kind: "value", index: op }, chunk);
      return { kind: "elements", bytes };
    }
    case "terms":
      return openTerms(views, position);
    case "accumulators":
      return { kind: "elements", bytes: await views.accumulators(position, position.chunk) };
    case "scalar":
      return { kind: "claims", claims: await claimsAt(views, position) };
    case "read":
      return openRead(views, position);
    default:
      throw new RangeError(`there is nothing to show at ${position.kind}`);
  }
}

async function openParameter(
  views: Views,
  { parameter }: PositionOf<"parameter">,
): Promise<Opening> {
  const { roots } = await views.checkpoint(views.course.intervals);
  const s = parameters(views.course)[parameter];
  if (s === undefined) throw new RangeError(`no parameter tensor ${parameter}`);
  return { kind: "leaf", proof: treeOf(roots).proof(s), previous: null };
}

async function openSteps(views: Views, { interval, path }: PositionOf<"steps">): Promise<Opening> {
  const tree = await views.steps(interval);
  const children = tree.depth === 0 ? null : await tree.children(path);
  if (path.length > 0 && children !== null) return { kind: "node", children };
  const last = views.checkpointRoot(interval);
  return { kind: "level", level: "steps", count: tree.count + 1, rest: tree.root, last, children };
}

async function openOps(views: Views, { section, path }: PositionOf<"ops">): Promise<Opening> {
  const leaves = await views.opLeaves(section);
  const tree = await views.opTree(section);
  const children = tree.depth === 0 ? null : tree.children(path);
  if (path.length > 0 && children !== null) return { kind: "node", children };
  const last = leaves.at(-1) as Hex;
  return { kind: "level", level: "ops", count: leaves.length, rest: tree.root, last, children };
}

async function childValues(
  views: Views,
  { section, node }: PositionOf<"assembly">,
): Promise<Hex[]> {
  const leaves = await views.opLeaves(section);
  const ops = views.course.program[section.list].length;
  const { roots } = await views.before(section);
  return childSources(views.course, section, node).map((child) => {
    if (child.kind === "absent") return ABSENT;
    if (child.kind === "state") return roots[child.index] as Hex;
    return leaves[child.kind === "node" ? ops + child.index : child.index] as Hex;
  });
}

async function openSource(
  views: Views,
  { section, node, child }: PositionOf<"source">,
): Promise<Opening> {
  const source = childSources(views.course, section, node)[child];
  if (source === undefined || source.kind === "absent")
    throw new RangeError(`assembly node ${node} has no child ${child}`);
  if (source.kind === "state") {
    const { roots } = await views.before(section);
    const proof = treeOf(roots).proof(source.index);
    return { kind: "leaf", proof, previous: await views.previous(section) };
  }
  const ops = views.course.program[section.list].length;
  const index = source.kind === "node" ? ops + source.index : source.index;
  return { kind: "leaf", proof: (await views.opTree(section)).proof(index), previous: null };
}

async function openChunks(
  views: Views,
  { section, op, path }: PositionOf<"chunks">,
): Promise<Opening> {
  const tree = await views.tensorTree(section, op, { kind: "value", index: op });
  const children = await tree.children(path);
  return path.length > 0
    ? { kind: "node", children }
    : { kind: "tensor", chunks: tree.root, children };
}

async function openTerms(views: Views, position: PositionOf<"terms">): Promise<Opening> {
  const { path } = position;
  const { tree, lastChunk } = await views.fold(position);
  const children = tree.depth === 0 ? null : tree.children(path);
  if (path.length > 0 && children !== null) return { kind: "node", children };
  return { kind: "terms", count: tree.count + 1, rest: tree.root, lastChunk, children };
}

/** Bits of the last element of a chunk. */
function lastElement(chunk: Hex): number {
  const bytes = fromHex(chunk);
  return new DataView(bytes.buffer).getUint32(bytes.length - 4, true);
}

async function claimsAt(views: Views, position: PositionOf<"scalar">): Promise<Claims> {
  const { section, op: index, element, term } = position;
  const op = opAt(views.course, section, index);
  const memory = await views.memory(section, index);
  const accumulator = claimsAccumulator(op, term)
    ? lastElement(await views.accumulators(position, term / CHUNK_ELEMENTS - 1))
    : 0;
  return trueClaims({ op, element, term, ...memory }, memory, accumulator);
}

async function openRead(views: Views, position: PositionOf<"read">): Promise<Opening> {
  const { section, op: index, element, term, read } = position;
  if (read === 0) {
    const chunk = term / CHUNK_ELEMENTS - 1;
    const bytes = await views.accumulators(position, chunk);
    return { kind: "accumulator", bytes, chunk: (await views.fold(position)).tree.proof(chunk) };
  }
  const memory = await views.memory(section, index);
  const place: Place = { op: opAt(views.course, section, index), element, term, ...memory };
  const { reads } = examine(place, trueClaims(place, memory, 0));
  const found = reads.find((one) => one.read === read);
  if (found === undefined || found.kind === "accumulator")
    throw new RangeError(`nothing is read as ${read}`);
  const { source, address } = found;
  const chunk = Math.floor(address / CHUNK_ELEMENTS);
  const tree = await views.tensorTree(section, index, source);
  const shown = {
    kind: "element",
    bytes: await views.chunk(section, index, source, chunk),
    chunk: await tree.proof(chunk),
  } as const;
  if (source.kind === "value") {
    const tensor = (await views.opTree(section)).proof(source.index);
    return { ...shown, tensor, previous: null };
  }
  if (source.kind === "state") {
    const { roots } = await views.before(section);
    const tensor = treeOf(roots).proof(source.index);
    return { ...shown, tensor, previous: await views.previous(section) };
  }
  const tensor = (await views.inputTree(source.kind)).proof(source.index);
  return { ...shown, tensor, previous: null };
}
