/**
 * The book: every standing offer, in memory, in a tree by what requests ask for and scores weigh. A search takes the most
 * promising branch first and leaves out every branch that holds nothing better, or nothing that can fit.
 */
import type { Address, Hex } from "viem";
import { constraintsOf, type Constraint } from "./filter.ts";
import { UNKNOWN_PROVIDER, type BookOffer, type ProviderState } from "./offer.ts";
import type { Query } from "./query.ts";
import { AT, Rows, WIDTH } from "./rows.ts";
import { scorer, tieBreak, type Scorer } from "./score.ts";
import { Sieve } from "./sieve.ts";
import { Tree } from "./tree.ts";

export interface Match {
  readonly offer: BookOffer;
  readonly state: ProviderState;
  readonly score: number;
}

/** An offer that was left out, and every constraint that it fails. */
export interface Failure {
  readonly offer: BookOffer;
  readonly state: ProviderState;
  readonly failed: readonly string[];
}

export interface Survey {
  readonly offers: number;
  readonly matches: readonly Match[];
  readonly failures: readonly Failure[];
}

export class Book {
  readonly #rows = new Rows();
  readonly #tree = new Tree(this.#rows);
  /** By slot. */
  readonly #offers: (BookOffer | undefined)[] = [];
  readonly #slotStates: ProviderState[] = [];
  readonly #free: number[] = [];
  readonly #slotOf = new Map<Hex, number>();
  readonly #byProvider = new Map<Address, Set<number>>();
  readonly #states = new Map<Address, ProviderState>();

  get size(): number {
    return this.#slotOf.size;
  }

  get(digest: Hex): BookOffer | undefined {
    const slot = this.#slotOf.get(digest);
    return slot === undefined ? undefined : this.#offers[slot];
  }

  stateOf(provider: Address): ProviderState {
    return this.#states.get(provider) ?? UNKNOWN_PROVIDER;
  }

  /** Digests of all offers. */
  digests(): Hex[] {
    return [...this.#slotOf.keys()];
  }

  /** Digests of the offers that are over at `now` (Unix seconds). */
  expired(now: number): Hex[] {
    return [...this.#slotOf]
      .filter(([, slot]) => this.#at(slot).expiry <= now)
      .map(([digest]) => digest);
  }

  /** Offers of one provider. */
  offersOf(provider: Address): BookOffer[] {
    return [...(this.#byProvider.get(provider) ?? [])].map((slot) => this.#at(slot));
  }

  /** Puts an offer in; one of the same digest is replaced. */
  add(offer: BookOffer): void {
    this.remove(offer.digest);
    const slot = this.#free.pop() ?? this.#offers.length;
    this.#offers[slot] = offer;
    const state = this.stateOf(offer.provider);
    this.#slotStates[slot] = state;
    this.#rows.write(slot, offer, state);
    this.#tree.insert(slot);
    this.#slotOf.set(offer.digest, slot);
    const own = this.#byProvider.get(offer.provider);
    if (own) own.add(slot);
    else this.#byProvider.set(offer.provider, new Set([slot]));
  }

  remove(digest: Hex): void {
    const slot = this.#slotOf.get(digest);
    if (slot === undefined) return;
    this.#tree.remove(slot);
    this.#byProvider.get(this.#at(slot).provider)?.delete(slot);
    this.#slotOf.delete(digest);
    this.#offers[slot] = undefined;
    this.#free.push(slot);
  }

  /** Changes what is known of a provider, in all its offers. */
  setProvider(provider: Address, change: Partial<ProviderState>): void {
    const state = { ...this.stateOf(provider), ...change };
    this.#states.set(provider, state);
    for (const slot of this.#byProvider.get(provider) ?? []) {
      const offer = this.#at(slot);
      const before = this.#stateAt(slot);
      this.#slotStates[slot] = state;
      // The tree parts offers that can take a job from those that cannot: these change sides.
      const moves = hasRoom(offer, before) !== hasRoom(offer, state);
      if (moves) this.#tree.remove(slot);
      this.#rows.writeState(slot, offer, state);
      if (moves) this.#tree.insert(slot);
      else this.#tree.update(slot);
    }
  }

  /** The offer that passes every constraint and has the lowest score; ties by signed order, then digest. */
  best(query: Query): Match | undefined {
    const constraints = constraintsOf(query);
    const sieve = new Sieve(query, this.#rows);
    const score = scorer(query);
    const tree = this.#tree;
    let bestSlot = -1;
    let bestScore = Number.POSITIVE_INFINITY;

    const { values, masks } = this.#rows;
    const consider = (slot: number): void => {
      if (!sieve.passes(values, masks, slot)) return;
      const own = score(values, slot * WIDTH);
      if (!(own <= bestScore)) return;
      if (own === bestScore && tieBreak(this.#at(slot), this.#at(bestSlot)) > 0) return;
      if (!this.#fits(constraints, slot)) return;
      bestSlot = slot;
      bestScore = own;
    };
    const inLeaf = (leaf: number): void => {
      const first = leaf * Tree.LEAF;
      for (let at = first; at < first + (tree.counts[leaf] as number); at++)
        consider(tree.slots[at] as number);
    };
    const { maxima } = tree;
    /** Whether something below a node may win, given the bound of its scores. */
    const mayWin = (node: number, bound: number): boolean =>
      bound < bestScore ||
      (bound === bestScore &&
        bound < Number.POSITIVE_INFINITY &&
        (maxima[node * WIDTH + AT.earliness] as number) >=
          (values[bestSlot * WIDTH + AT.earliness] as number));
    const below = (node: number): void => {
      const left = tree.left[node] as number;
      if (left < 0) {
        inLeaf(node);
        return;
      }
      const right = tree.right[node] as number;
      const a = this.#promise(left, sieve, score);
      const b = this.#promise(right, sieve, score);
      if (a <= b) {
        if (mayWin(left, a)) below(left);
        if (mayWin(right, b)) below(right);
      } else {
        if (mayWin(right, b)) below(right);
        if (mayWin(left, a)) below(left);
      }
    };
    const { allow } = query.constraints;
    if (allow !== undefined && allow.length > 0)
      for (const provider of new Set(allow))
        for (const slot of this.#byProvider.get(provider) ?? []) consider(slot);
    else if (this.#promise(0, sieve, score) < Number.POSITIVE_INFINITY) below(0);
    if (bestSlot < 0) return undefined;
    const offer = this.#at(bestSlot);
    return { offer, state: this.#stateAt(bestSlot), score: bestScore };
  }

  /** Every offer that passes, best first, and for each of the others the constraints that it fails. */
  survey(query: Query): Survey {
    const constraints = constraintsOf(query);
    const score = scorer(query);
    const matches: Match[] = [];
    const failures: Failure[] = [];
    for (const slot of this.#slotOf.values()) {
      const offer = this.#at(slot);
      const state = this.#stateAt(slot);
      const failed = constraints
        .filter(({ passes }) => !passes(offer, state))
        .map(({ name }) => name);
      if (failed.length > 0) failures.push({ offer, state, failed });
      else matches.push({ offer, state, score: score(this.#rows.values, slot * WIDTH) });
    }
    matches.sort((a, b) => a.score - b.score || tieBreak(a.offer, b.offer));
    return { offers: this.size, matches, failures };
  }

  /** A bound below the score of everything under a node; infinite where nothing there can fit. */
  #promise(node: number, sieve: Sieve, score: Scorer): number {
    const { maxima, masks } = this.#tree;
    return sieve.passes(maxima, masks, node)
      ? score(maxima, node * WIDTH)
      : Number.POSITIVE_INFINITY;
  }

  #fits(constraints: readonly Constraint[], slot: number): boolean {
    const offer = this.#at(slot);
    const state = this.#stateAt(slot);
    for (const { passes } of constraints) if (!passes(offer, state)) return false;
    return true;
  }

  #stateAt(slot: number): ProviderState {
    return this.#slotStates[slot] ?? UNKNOWN_PROVIDER;
  }

  #at(slot: number): BookOffer {
    const offer = this.#offers[slot];
    if (offer === undefined) throw new Error("an empty slot was searched");
    return offer;
  }
}

const hasRoom = ({ capacity }: BookOffer, { online, busy }: ProviderState): boolean =>
  online && capacity > busy;
