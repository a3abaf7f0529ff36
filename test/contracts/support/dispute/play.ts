/** A game from its first move to its end. */
import assert from "node:assert/strict";
import { Interface } from "ethers";
import type { Choice } from "./challenger.ts";
import { playChallenger } from "./challenger.ts";
import { CLOCK, type Court, type Game, type SubmittedJob, tell } from "./court.ts";
import { PHASE } from "./trees.ts";

const CHALLENGERS: readonly bigint[] = [PHASE.point, PHASE.element, PHASE.claim];
/** More moves than any game has. */
const MOVES = 200;

/** Plays both sides; a provider without a move loses by its clock. Returns the reason of that, if any. */
export async function play(
  court: Court,
  game: Game,
  job: SubmittedJob,
  provider: { play(game: Game): Promise<void> },
  choice: Choice,
): Promise<string | undefined> {
  for (let i = 0; i < MOVES && game.over === undefined; i++) {
    if (CHALLENGERS.includes(game.position.phase)) {
      await playChallenger(court, game, choice);
      continue;
    }
    const stuck = await provider.play(game).then(
      () => undefined,
      (error: unknown) => reasonOf(court, error),
    );
    if (stuck === undefined) continue;
    await timeoutProvider(court, game, job);
    return stuck;
  }
  return undefined;
}

export async function timeoutProvider(court: Court, game: Game, job: SubmittedJob): Promise<void> {
  await court.connection.networkHelpers.time.increase(100 * CLOCK);
  const disputes = court.disputes.getFunction("timeoutProvider");
  const receipt = await (await disputes(game.id, game.position, job.job)).wait();
  game.gas.push({ name: "timeoutProvider", used: receipt.gasUsed });
  tell(court.disputes.interface, game, receipt);
}

/** Asserts that a call reverts with the error of this name. */
export async function refusedWith(
  court: Court,
  sent: Promise<unknown>,
  name: string,
): Promise<void> {
  const reason = await sent.then(
    () => "none",
    (error: unknown) => reasonOf(court, error),
  );
  assert.equal(reason, name);
}

/** Name of the error that a call reverted with. */
export function reasonOf(court: Court, error: unknown): string {
  const data =
    typeof error === "object" && error !== null && "data" in error ? String(error.data) : "";
  const parsed = new Interface(court.disputes.interface.fragments).parseError(data);
  if (parsed !== null) return parsed.name;
  throw error;
}
