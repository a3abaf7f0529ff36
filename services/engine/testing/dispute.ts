/**
 * The dispute game by its rules alone: who wins when these two play? What a contract keeps and checks, without
 * clocks and money. Tests play honest and dishonest sides against each other.
 */
import { isAssayError } from "@assay/protocol/errors";
import type { Opening } from "../trace/descent/openings.ts";
import {
  type Pointing,
  pointingSchema,
  type Position,
  positionSchema,
} from "../trace/descent/positions.ts";
import { type Case, Ledger, Refused } from "./dispute-ledger.ts";

export interface Provider {
  open(position: Position): Promise<Opening>;
}

export interface Challenger {
  /** Undefined concedes. */
  point(position: Position, theirs: Opening): Promise<Pointing | undefined>;
}

export interface Verdict {
  readonly winner: "provider" | "challenger";
  /** Why, in a word or two. */
  readonly reason: string;
  /** Where it ended. */
  readonly position: Position;
  readonly moves: number;
}

/** Plays one game. Positions and pointings go through JSON at every move, as they do across a restart. */
export async function playDispute(
  of: Case,
  provider: Provider,
  challenger: Challenger,
): Promise<Verdict> {
  const ledger = new Ledger(of);
  const end = (winner: Verdict["winner"], reason: string, moves: number): Verdict => ({
    winner,
    reason,
    position: ledger.position,
    moves,
  });
  for (let moves = 0; ; moves++) {
    const judged = ledger.judge();
    if (judged !== undefined) return end(judged, ledger.position.kind, moves);
    const position = positionSchema.parse(JSON.parse(JSON.stringify(ledger.position)));
    const opening: Opening =
      position.kind === "trace"
        ? { kind: "trace", header: of.header }
        : await provider.open(position);
    try {
      ledger.check(JSON.parse(JSON.stringify(opening)) as Opening);
    } catch (error) {
      if (error instanceof Refused) return end("challenger", error.message, moves);
      throw error;
    }
    if (["read", "source", "parameter"].includes(position.kind))
      return end("provider", "proven", moves);
    const pointing = await challenger.point(position, opening);
    if (pointing === undefined) return end("provider", "conceded", moves);
    try {
      ledger.point(pointingSchema.parse(JSON.parse(JSON.stringify(pointing))));
    } catch (error) {
      if (isAssayError(error, "ENGINE_DESCENT_POINT") || error instanceof RangeError)
        return end("provider", "pointed at nothing", moves);
      throw error;
    }
  }
}
