/** What to do about a provider that signed two results for one checkpoint. Pure. */
import { OPEN_STATES, type JobState } from "@assay/protocol/domain/states";

export interface ConflictFacts {
  readonly state: JobState;
  /** The reward would burn now: a game or demand is live, or auditors have their time. */
  readonly contested: boolean;
  /** One of those whose jobs this watcher looks after. */
  readonly concerns: boolean;
}

/**
 * `wait` while a game is live: who plays it, maybe this watcher itself, would lose the reward, and nobody would have it. Whoever is
 * slashed by the game is slashed; else the conflict is shown once the game is over.
 */
export const decideConflict = (facts: ConflictFacts): "slash" | "wait" | "leave" => {
  if (!facts.concerns || !OPEN_STATES.has(facts.state)) return "leave";
  return facts.contested ? "wait" : "slash";
};
