/** The players of the engine, who have a program, its inputs and some checkpoints, at the contract's table. */
import type { Bindings, Claims, Position as GamePosition } from "@assay/protocol/domain/disputes";
import type { CheckpointSource } from "@assay/engine/trace/descent/checkpoints";
import { openGameRun, type GameRun } from "@assay/engine/trace/game/game";
import type { Shown } from "@assay/engine/trace/game/point";
import { moveCall } from "@assay/sdk/disputes/moves";
import type { Wallet } from "ethers";

import { type Court, type Game, move } from "./court.ts";
import type { Choice } from "./challenger.ts";
import type { Run } from "./run.ts";

/** Numbers of a struct as viem tells them. */
const plain = (words: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(words).map(([key, value]: [string, unknown]) => [
      key,
      typeof value === "bigint" && key !== "seed" ? Number(value) : value,
    ]),
  );

const positionOf = (game: Game) => plain(game.position) as unknown as GamePosition;
const claimsOf = ({ claims: { values, rows, accumulator } }: Game): Claims => ({
  values: values.map(Number) as [number, number, number],
  rows: rows.map(Number) as [number, number, number],
  accumulator: Number(accumulator),
});
const shownOf = (game: Game): Shown => ({
  children: game.children,
  chunk: game.chunk,
  claims: claimsOf(game),
});

/** The run's own checkpoints; those that are not kept have to be made again. */
const checkpointsOf = (run: Run, kept: (index: number) => boolean): CheckpointSource => ({
  roots: [...run.prefix(), run.stateRoot(run.program.steps)],
  load: async (index) =>
    kept(index) ? run.states[run.stepAt(index)]?.map((words) => words.slice()) : undefined,
});

export const engineRun = (run: Run, kept: (index: number) => boolean = () => true): GameRun =>
  openGameRun({
    program: run.program,
    inputs: run.inputs,
    checkpoints: checkpointsOf(run, kept),
    start: run.startStep || null,
  });

/** Sends what the engine gives. */
async function send(
  court: Court,
  game: Game,
  by: Wallet,
  made: Parameters<typeof moveCall>[1],
): Promise<void> {
  const { functionName, args } = moveCall(
    {
      disputes: "0x",
      gameId: game.id,
      jobId: "0x",
      provider: "0x",
      challenger: "0x",
      bond: 0n,
      bindings: game.bindings as unknown as Bindings,
      position: positionOf(game),
      shown: shownOf(game),
      clocks: { movedAt: 0, providerLeft: 0, challengerLeft: 0 },
      moves: [],
      end: undefined,
    },
    made,
  );
  await move(court, game, by, functionName, ...args.slice(2));
}

export const engineProvider = (court: Court, run: GameRun) => ({
  play: async (game: Game): Promise<void> =>
    send(court, game, court.provider, await run.answer(positionOf(game), claimsOf(game))),
});

/** Points where the engine does; fails where that finds nothing wrong. */
export const engineChallenger = (run: GameRun): Choice => {
  const number = async (game: Game): Promise<number> => {
    const made = await run.point(positionOf(game), shownOf(game));
    if (made === undefined) throw new Error("nothing that was shown is wrong");
    if (made.move === "point") return made.pick;
    return made.move === "pointElement" ? made.place : made.claim;
  };
  return { child: number, element: number, claim: number };
};
