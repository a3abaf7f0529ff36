/** What an honest provider shows at each position of the contract's game. */
import type { Claims, Position, ProviderMove } from "@assay/protocol/domain/disputes";
import { fromHex, type Hex, toHex } from "@assay/protocol/commitments/hash";
import { opLeaf } from "@assay/protocol/commitments/bindings";
import { AssayError } from "@assay/protocol/errors";
import { encodeHeader, encodeOp } from "../../ir/encode.ts";
import { type Op, UNCHANGED } from "../../ir/types.ts";
import { answer as openingAt } from "../descent/answer.ts";
import { opAt, parameters, stepAt, stepsIn } from "../descent/course.ts";
import type { Section } from "../descent/positions.ts";
import { treeOf, type Views } from "../descent/views.ts";
import { nodeHasher } from "../hasher.ts";
import {
  accumulators,
  chunkAt,
  firstChildren,
  levelOf,
  listAt,
  outputRoots,
  pathOf,
  phaseOf,
  sectionOf,
  stateAfter,
} from "./level.ts";
import { proofOf } from "./proof.ts";

/**
 * The provider's move. `shown` are the claims that the game holds, for the last one. Throws ENGINE_GAME_MISMATCH where the run made
 * again differs from what was submitted, ENGINE_DESCENT_CHECKPOINT, and a RangeError for a position that asks the provider for nothing.
 */
export async function answerAt(views: Views, p: Position, shown: Claims): Promise<ProviderMove> {
  switch (phaseOf(p)) {
    case "open":
      return { move: "open", children: await (await listAt(views, p)).tree.children(pathOf(p)) };
    case "cross":
      return cross(views, p);
    case "reveal":
      return { move: "reveal", chunk: await chunkAt(views, p) };
    case "judge":
      return { move: "judge", op: opBytes(views, p), claims: await claimsAt(views, p) };
    case "prove":
      return { move: "prove", op: opBytes(views, p), proof: await proofOf(views, p, shown) };
    default:
      throw new RangeError(`the provider shows nothing in phase ${phaseOf(p)}`);
  }
}

const opBytes = (views: Views, p: Position): Hex =>
  toHex(encodeOp(opAt(views.course, sectionOf(views, p), p.op)));

/** What the scalar operation reads. */
export async function claimsAt(views: Views, p: Position): Promise<Claims> {
  const { element, term, op } = p;
  const section = sectionOf(views, p);
  const opening = await openingAt(views, { kind: "scalar", section, op, element, term });
  if (opening.kind !== "claims") throw new RangeError(`no claims at ${p.element}`);
  const { operands, accumulator } = opening.claims;
  const three = (of: "value" | "row"): [number, number, number] => [
    operands[0]?.[of] ?? 0,
    operands[1]?.[of] ?? 0,
    operands[2]?.[of] ?? 0,
  ];
  return { values: three("value"), rows: three("row"), accumulator };
}

/** The run made again has to end in what is disputed: what a contract cannot see is checked here, before anything is paid for. */
const requireSame = (what: string, disputed: unknown, own: unknown): void => {
  if (disputed === own) return;
  throw new AssayError("ENGINE_GAME_MISMATCH", `The run made again gives another ${what}.`, {
    remedy:
      "This machine erred when it ran the job, or its files were changed since: check memory and disk.",
    details: { disputed, own },
  });
};

function cross(views: Views, p: Position): Promise<ProviderMove> {
  switch (levelOf(p)) {
    case "checkpoint":
      return crossCheckpoint(views, p);
    case "step":
      return crossState(views, p.checkpoint, stepAt(views.course, p.checkpoint - 1) + p.index + 1);
    case "state":
    case "output":
      return crossTensor(views, p);
    case "model":
      return proveParameter(views, p);
    case "op":
      return crossOp(views, p);
    default:
      return crossTerms(views, p);
  }
}

async function crossState(views: Views, checkpoint: number, step: number): Promise<ProviderMove> {
  const { roots } = await stateAfter(views, checkpoint, step);
  return { move: "crossState", children: await firstChildren(treeOf(roots)) };
}

async function crossCheckpoint(views: Views, { index, node }: Position): Promise<ProviderMove> {
  const { course } = views;
  const steps = index === 0 ? 0 : stepsIn(course, index);
  if (steps < 2) return crossState(views, index, stepAt(course, index));
  const tree = await views.steps(index);
  const end = await views.before({ list: "step", interval: index, step: steps });
  requireSame(`checkpoint ${index}`, node, end.root);
  return { move: "crossSteps", rest: tree.root, children: await firstChildren(tree) };
}

const headerOf = (views: Views): Hex => toHex(encodeHeader(views.course.program));

async function crossTensor(views: Views, p: Position): Promise<ProviderMove> {
  const { program } = views.course;
  let feed: { section: Section; op: number };
  if (levelOf(p) === "output") {
    const output = program.outputs[p.index];
    if (output === undefined) throw new RangeError(`no output ${p.index}`);
    feed = { section: { list: "eval" }, op: output.op };
  } else {
    const tensor = program.state[p.index];
    if (tensor === undefined) throw new RangeError(`no state tensor ${p.index}`);
    if (p.step > 0 && tensor.stepOp === UNCHANGED) return proveUnchanged(views, p);
    const list = p.step === 0 ? 0 : 1;
    feed = {
      section: sectionOf(views, { ...p, list }),
      op: list === 0 ? tensor.initOp : tensor.stepOp,
    };
  }
  const roots = await outputRoots(views, feed.section);
  requireSame(`output of op ${feed.op}`, p.node, roots[feed.op]);
  const rest = treeOf(roots.slice(0, feed.op));
  return {
    move: "crossTensor",
    header: headerOf(views),
    rest: rest.root,
    children: await firstChildren(rest),
  };
}

async function proveUnchanged(views: Views, p: Position): Promise<ProviderMove> {
  const section = sectionOf(views, { ...p, list: 1 });
  const { roots } = await views.before(section);
  const { root, proof } = await views.previous(section);
  return {
    move: "proveUnchanged",
    header: headerOf(views),
    state: root,
    stateProof: proof,
    proof: treeOf(roots).proof(p.index),
  };
}

async function proveParameter(views: Views, { index }: Position): Promise<ProviderMove> {
  const { roots } = await views.checkpoint(views.course.intervals);
  const tensor = parameters(views.course)[index];
  if (tensor === undefined) throw new RangeError(`no parameter tensor ${index}`);
  return {
    move: "proveParameter",
    header: headerOf(views),
    proof: treeOf(roots).proof(tensor),
  };
}

async function crossOp(views: Views, p: Position): Promise<ProviderMove> {
  const section = sectionOf(views, p);
  const ops: readonly Op[] = views.course.program[section.list];
  const encodings = ops.map(encodeOp);
  const leaves = encodings.map((bytes, i) => opLeaf(nodeHasher, section.list, i, bytes));
  const chunks = await views.tensorTree(section, p.index, { kind: "value", index: p.index });
  return {
    move: "crossOp",
    op: toHex(encodings[p.index] ?? new Uint8Array()),
    proof: treeOf(leaves).proof(p.index),
    chunks: chunks.root,
    children: await firstChildren(chunks),
  };
}

async function crossTerms(views: Views, p: Position): Promise<ProviderMove> {
  const { tree, lastChunk } = await accumulators(views, p);
  const bytes = fromHex(lastChunk);
  const last = new DataView(bytes.buffer).getUint32(bytes.length - 4, true);
  requireSame(`element ${p.element} of op ${p.op}`, p.bits, last);
  return { move: "crossTerms", root: tree.root, children: await firstChildren(tree) };
}
