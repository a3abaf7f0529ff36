/** What a provider shows at each kind of position. Everything is hexadecimal, ready for a transaction. */
import type { LevelName, TraceHeader } from "@assay/protocol/commitments/bindings";
import type { Hex } from "@assay/protocol/commitments/hash";
import type { Claims } from "./claims.ts";

/** Per level of a tree, from the leaf up, the 15 siblings in order: what `verifyProof` takes. */
export type MerkleProof = readonly (readonly Hex[])[];

/** The state root before a step, under the root that binds it: none for `C_n`, which the trace header shows. */
export interface PreviousState {
  readonly root: Hex;
  /** Under the tree over the interval's states but the last, or, for the first step, over `C_0 … C_{n−1}`. */
  readonly proof: MerkleProof;
}

/** 16 children of a node; null where the tree is a single leaf, which is the root. */
export type Children = readonly Hex[] | null;

export type Opening =
  | { readonly kind: "trace"; readonly header: TraceHeader }
  | { readonly kind: "node"; readonly children: readonly Hex[] }
  | {
      /** Crossing into the steps or the ops: the level root in its parts, and the first node of `rest`. */
      readonly kind: "level";
      readonly level: Exclude<LevelName, "terms">;
      /** Leaves, the last included. */
      readonly count: number;
      readonly rest: Hex;
      readonly last: Hex;
      readonly children: Children;
    }
  | {
      /** Crossing into a fold: the same, the last leaf being the chunk that ends in the disputed element. */
      readonly kind: "terms";
      readonly count: number;
      readonly rest: Hex;
      readonly lastChunk: Hex;
      readonly children: Children;
    }
  | {
      /** Crossing into a tensor: the tree over its chunks, which its root commits to, and that tree's first node. */
      readonly kind: "tensor";
      readonly chunks: Hex;
      readonly children: readonly Hex[];
    }
  | { readonly kind: "elements"; readonly bytes: Hex }
  | { readonly kind: "claims"; readonly claims: Claims }
  | {
      /** A leaf at its source: under the op level's `rest`, the previous state, or `C_n` for a parameter. */
      readonly kind: "leaf";
      readonly proof: MerkleProof;
      readonly previous: PreviousState | null;
    }
  | {
      /** One element of a tensor under the root that binds it. */
      readonly kind: "element";
      /** The chunk with the element. */
      readonly bytes: Hex;
      /** Of the chunk under the tensor's tree. */
      readonly chunk: MerkleProof;
      /** Of the tensor under the op level's `rest`, the previous state, the data root or the parent root. */
      readonly tensor: MerkleProof;
      readonly previous: PreviousState | null;
    }
  | {
      /** The chunk of accumulators before the disputed one, under the term level's `rest`. */
      readonly kind: "accumulator";
      readonly bytes: Hex;
      readonly chunk: MerkleProof;
    };

export type OpeningOf<Kind extends Opening["kind"]> = Extract<Opening, { kind: Kind }>;
