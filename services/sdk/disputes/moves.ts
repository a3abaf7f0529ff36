/** Moves as contract calls, ready for `write` or for a transaction sender. Pure. */
import type { Address, ContractFunctionArgs, Hex } from "viem";
import type { Job } from "@assay/protocol/domain/messages";
import {
  TARGETS,
  type GameMove,
  type ListRoots,
  type TargetName,
  type TensorProof,
  type TreeProof,
} from "@assay/protocol/domain/disputes";
import { disputesAbi } from "@assay/protocol/generated/abis";
import { AssayError } from "@assay/protocol/errors";
import type { Demand } from "./demands.ts";
import type { Game } from "./game.ts";

type Abi = typeof disputesAbi;
type Name =
  | GameMove["move"]
  | "challenge"
  | "forcePlay"
  | "collectForfeit"
  | "compare"
  | "timeoutProvider"
  | "timeoutChallenger"
  | "withdrawBond"
  | "demandChunk"
  | "showChunk"
  | "timeoutDemand"
  | "closeDemand"
  | "noteLostChallenge"
  | "openDraw"
  | "resolveDraw"
  | "commitAudit"
  | "revealAudit"
  | "claimAudit"
  | "revealDissent"
  | "claimReward";
type Args<F extends Name> = ContractFunctionArgs<Abi, "nonpayable", F>;

/** One transaction to the dispute game. */
export interface DisputeCall<F extends Name = Name> {
  readonly address: Address;
  readonly abi: Abi;
  readonly functionName: F;
  readonly args: Args<F>;
}

type Children = Args<"open">[2];
type Proof = Args<"proveParameter">[4];

/** A call of the game at an address. */
export const call = <F extends Name>(
  address: Address,
  functionName: F,
  args: Args<F>,
): DisputeCall<F> => ({ address, abi: disputesAbi, functionName, args });

const requireLength = (hashes: readonly Hex[], length: number): readonly Hex[] => {
  if (hashes.length === length) return hashes;
  throw new AssayError(
    "DISPUTE_MOVE_MALFORMED",
    `${hashes.length} hashes where a node has ${length}`,
    { remedy: "Give all children of the node, zeros where there are none." },
  );
};
const children = (hashes: readonly Hex[]): Children =>
  requireLength(hashes, 16) as unknown as Children;
const path = (proof: TreeProof): Proof =>
  proof.map((siblings) => requireLength(siblings, 15)) as unknown as Proof;
const tensor = (proof: TensorProof): Args<"prove">[5] => ({
  ...proof,
  stateProof: path(proof.stateProof),
  rootProof: path(proof.rootProof),
  chunkProof: path(proof.chunkProof),
});

/** The call that makes a move in a game as it stands. @throws DISPUTE_MOVE_MALFORMED */
export const moveCall = (
  { disputes, gameId, position: p, bindings: b, shown }: Game,
  move: GameMove,
): DisputeCall => {
  switch (move.move) {
    case "open":
      return call(disputes, "open", [gameId, p, children(move.children)]);
    case "point":
      return call(disputes, "point", [gameId, p, children(shown.children), BigInt(move.pick)]);
    case "crossSteps":
      return call(disputes, "crossSteps", [gameId, p, b, move.rest, children(move.children)]);
    case "crossState":
      return call(disputes, "crossState", [gameId, p, b, children(move.children)]);
    case "crossTensor": {
      const args = [gameId, p, b, move.header, move.rest, children(move.children)] as const;
      return call(disputes, "crossTensor", args);
    }
    case "crossOp": {
      const proof = path(move.proof);
      const args = [gameId, p, b, move.op, proof, move.chunks, children(move.children)] as const;
      return call(disputes, "crossOp", args);
    }
    case "crossTerms":
      return call(disputes, "crossTerms", [gameId, p, move.root, children(move.children)]);
    case "reveal":
      return call(disputes, "reveal", [gameId, p, move.chunk]);
    case "pointElement":
      return call(disputes, "pointElement", [gameId, p, shown.chunk, BigInt(move.place)]);
    case "judge":
      return call(disputes, "judge", [gameId, p, b, move.op, move.claims]);
    case "pointClaim":
      return call(disputes, "pointClaim", [gameId, p, move.claim]);
    case "prove":
      return call(disputes, "prove", [gameId, p, b, move.op, shown.claims, tensor(move.proof)]);
    case "proveUnchanged": {
      const { header, state, stateProof, proof } = move;
      const args = [gameId, p, b, header, state, path(stateProof), path(proof)] as const;
      return call(disputes, "proveUnchanged", args);
    }
    default:
      return call(disputes, "proveParameter", [gameId, p, b, move.header, path(move.proof)]);
  }
};

/** Opens a game about a job's standing submission: what `jobFromChain` gives, the program's header and list roots. */
export const challengeCall = (
  job: Job,
  prefixRoot: Hex,
  program: { readonly header: Hex; readonly lists: ListRoots },
  target: TargetName,
): DisputeCall<"challenge"> =>
  call(job.terms.disputes, "challenge", [
    job,
    prefixRoot,
    program.header,
    program.lists,
    TARGETS.indexOf(target),
  ]);

/** A revealed result of a replica, as `jobFromChain` gives it. */
export interface RevealedReplica {
  readonly job: Job;
  readonly prefixRoot: Hex;
}

/** Makes the provider of `rival` the challenger of `defender`, whose result of the same request is another one. */
export const forcePlayCall = (
  defender: RevealedReplica,
  rival: RevealedReplica,
  program: { readonly header: Hex; readonly lists: ListRoots },
): DisputeCall<"forcePlay"> =>
  call(defender.job.terms.disputes, "forcePlay", [
    { job: defender.job, prefixRoot: defender.prefixRoot },
    { job: rival.job, prefixRoot: rival.prefixRoot },
    program.header,
    program.lists,
  ]);

/** Slashes a replica whose provider lost a forced game as its challenger. */
export const collectForfeitCall = (job: Job): DisputeCall<"collectForfeit"> =>
  call(job.terms.disputes, "collectForfeit", [job]);

/** Ends a game whose side to move let its clock run out; `turnOf` says which. */
export const timeoutCall = (
  { disputes, gameId, position }: Game,
  late: { readonly side: "challenger" } | { readonly side: "provider"; readonly job: Job },
): DisputeCall =>
  late.side === "provider"
    ? call(disputes, "timeoutProvider", [gameId, position, late.job])
    : call(disputes, "timeoutChallenger", [gameId, position]);

/** Ends a game about a root that the job's record fixes. */
export const compareCall = (
  { disputes, gameId, position, bindings }: Game,
  job: Job,
): DisputeCall<"compare"> => call(disputes, "compare", [gameId, position, bindings, job]);

/** Gives the bond of a game back whose job came to another end. */
export const withdrawBondCall = ({
  disputes,
  gameId,
  position,
}: Game): DisputeCall<"withdrawBond"> => call(disputes, "withdrawBond", [gameId, position]);

/** Pays to be shown a chunk of one of the model's tensors. */
export const demandChunkCall = (
  job: Job,
  program: { readonly header: Hex; readonly lists: ListRoots },
  { tensor: place, chunk }: Pick<Demand, "tensor" | "chunk">,
): DisputeCall<"demandChunk"> =>
  call(job.terms.disputes, "demandChunk", [job, program.header, program.lists, place, chunk]);

/** Slashes the provider of a demand that was not answered in time. */
export const timeoutDemandCall = (
  { disputes, demandId }: Pick<Demand, "disputes" | "demandId">,
  job: Job,
): DisputeCall<"timeoutDemand"> => call(disputes, "timeoutDemand", [demandId, job]);

/** Gives the fee of a demand back whose job came to another end. */
export const closeDemandCall = ({
  disputes,
  demandId,
}: Pick<Demand, "disputes" | "demandId">): DisputeCall<"closeDemand"> =>
  call(disputes, "closeDemand", [demandId]);

/** Answers a demand for a chunk of the model. */
export const showChunkCall = (
  { disputes, demandId }: Demand,
  proof: TensorProof,
): DisputeCall<"showChunk"> => call(disputes, "showChunk", [demandId, tensor(proof)]);

/** Puts a challenge that the job's own requester lost on its record. */
export const noteLostChallengeCall = (job: Job): DisputeCall<"noteLostChallenge"> =>
  call(job.terms.disputes, "noteLostChallenge", [job]);
