/** The words of a dispute: where a game stands and what can be moved in it; field for field `contracts/dispute/Position.sol`. */
import type { Address, Hex } from "viem";

/** Trees of a game, in the order of the contract's `Level`. */
export const LEVELS = [
  "checkpoint",
  "step",
  "state",
  "output",
  "model",
  "op",
  "chunk",
  "term",
] as const;
export type LevelName = (typeof LEVELS)[number];

/** What must be done next, in the order of the contract's `Phase`. */
export const PHASES = [
  "none",
  "open",
  "point",
  "cross",
  "reveal",
  "element",
  "judge",
  "claim",
  "prove",
  "compare",
] as const;
export type PhaseName = (typeof PHASES)[number];

/** What of a submission a challenger says is wrong, in the order of the contract's `Target`. */
export const TARGETS = ["checkpoint", "lastState", "model", "evaluation"] as const;
export type TargetName = (typeof TARGETS)[number];

/** Roots of a program's op lists. */
export interface ListRoots {
  readonly init: Hex;
  readonly step: Hex;
  readonly eval: Hex;
}

/** What a game is about. */
export interface Bindings {
  readonly initRoot: Hex;
  readonly stepRoot: Hex;
  readonly evalRoot: Hex;
  readonly initOps: number;
  readonly stepOps: number;
  readonly evalOps: number;
  readonly stateTensors: number;
  readonly dataTensors: number;
  readonly parentTensors: number;
  /** `keccak256` of the program's header. */
  readonly header: Hex;
  readonly prefixRoot: Hex;
  readonly stateRoot: Hex;
  readonly checkpoints: number;
  readonly dataRoot: Hex;
  readonly parentRoot: Hex;
  readonly startRoot: Hex;
  readonly seed: bigint;
  readonly startStep: number;
  readonly steps: number;
  readonly interval: number;
}

/** Where a game stands: every move shows it. Fields of levels that were not reached are zero. */
export interface Position {
  readonly jobId: Hex;
  readonly provider: Address;
  readonly bindings: Hex;
  /** Place in {@link PHASES}. */
  readonly phase: number;
  /** Place in {@link LEVELS}. */
  readonly level: number;
  /** The disputed node: the `index`-th at `height` levels above the leaves of a tree over `count` leaves. */
  readonly node: Hex;
  readonly count: number;
  readonly index: number;
  readonly height: number;
  /** The entry that ends the list after the tree; zero where there is none or it was passed by. */
  readonly last: Hex;
  readonly shown: Hex;
  readonly checkpoint: number;
  readonly step: number;
  readonly stepsRest: Hex;
  /** 0 init, 1 step, 2 eval. */
  readonly list: number;
  readonly lastOp: number;
  readonly opsRest: Hex;
  readonly op: number;
  readonly opHash: Hex;
  readonly dtype: number;
  readonly operands: number;
  readonly terms: number;
  readonly size: number;
  readonly element: number;
  readonly term: number;
  readonly bits: number;
  readonly accumulatorKnown: boolean;
  readonly accumulator: number;
  readonly termsRoot: Hex;
  readonly claim: number;
}

/** What a provider says that a scalar operation reads; u32 bits, 0 where nothing is read. */
export interface Claims {
  readonly values: readonly [number, number, number];
  readonly rows: readonly [number, number, number];
  readonly accumulator: number;
}

/** Per level of a tree, from the leaf up, the 15 siblings in order. */
export type TreeProof = readonly (readonly Hex[])[];

/** One element, or a tensor's size, under a root that the game knows. */
export interface TensorProof {
  readonly state: Hex;
  readonly stateProof: TreeProof;
  readonly root: Hex;
  readonly rootProof: TreeProof;
  readonly dtype: number;
  readonly rank: number;
  /** The first dimension in the highest of 128 bits. */
  readonly dims: bigint;
  readonly chunks: Hex;
  readonly chunkProof: TreeProof;
  readonly chunk: Hex;
  /** The tensor is the table of rows. */
  readonly table: boolean;
}

/** What the provider shows; each is the contract's function of that name without the game's own arguments. */
export type ProviderMove =
  | { readonly move: "open" | "crossState"; readonly children: readonly Hex[] }
  | { readonly move: "crossSteps"; readonly rest: Hex; readonly children: readonly Hex[] }
  | {
      readonly move: "crossTensor";
      readonly header: Hex;
      readonly rest: Hex;
      readonly children: readonly Hex[];
    }
  | {
      readonly move: "crossOp";
      readonly op: Hex;
      readonly proof: TreeProof;
      readonly chunks: Hex;
      readonly children: readonly Hex[];
    }
  | { readonly move: "crossTerms"; readonly root: Hex; readonly children: readonly Hex[] }
  | { readonly move: "reveal"; readonly chunk: Hex }
  | { readonly move: "judge"; readonly op: Hex; readonly claims: Claims }
  | { readonly move: "prove"; readonly op: Hex; readonly proof: TensorProof }
  | {
      readonly move: "proveUnchanged";
      readonly header: Hex;
      readonly state: Hex;
      readonly stateProof: TreeProof;
      readonly proof: TreeProof;
    }
  | { readonly move: "proveParameter"; readonly header: Hex; readonly proof: TreeProof };

/** What the challenger points at. */
export type ChallengerMove =
  /** Number of the wrong child, 16 for the entry after the tree. */
  | { readonly move: "point"; readonly pick: number }
  | { readonly move: "pointElement"; readonly place: number }
  /** 0–2 an operand's value, 3–5 its row, 6 the accumulator. */
  | { readonly move: "pointClaim"; readonly claim: number };

export type GameMove = ProviderMove | ChallengerMove;
