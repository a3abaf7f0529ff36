/** Challengers without a case: they dispute a right result and point wherever the contract lets them. */
import { toHex } from "@assay/protocol/commitments/hash";
import {
  LEVELS,
  PHASES,
  type ChallengerMove,
  type TargetName,
} from "@assay/protocol/domain/disputes";
import { programParts } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { Random } from "@assay/engine/testing/random";
import { nodeHasher } from "@assay/engine/trace/hasher";
import type { Assay } from "@assay/sdk";
import { allowBonds, challenge, play } from "@assay/sdk/disputes/act";
import type { Game } from "@assay/sdk/disputes/game";
import { readGame } from "@assay/sdk/disputes/read";
import { turnOf } from "@assay/sdk/disputes/turn";
import { disputesAbi } from "@assay/protocol/generated/abis";
import { write } from "@assay/sdk/chain/write";
import { zeroHash, type Hex } from "viem";

const LAST_ENTRY = 16;

/** The program as a dispute names it. */
const namedProgram = (program: Program) => {
  const parts = programParts(nodeHasher, program);
  return {
    header: toHex(parts.header),
    lists: { init: parts.initRoot, step: parts.stepRoot, eval: parts.evalRoot },
  };
};

/** Pays to be shown the first chunk of the model. */
export const demandFirstChunk = async (
  assay: Assay,
  { jobId, program }: { readonly jobId: Hex; readonly program: Program },
): Promise<void> => {
  const { job } = await assay.jobFromChain(jobId);
  const { header, lists } = namedProgram(program);
  await allowBonds(assay.context, job.terms.disputes, 10n ** 12n);
  await write(assay.context, {
    address: job.terms.disputes,
    abi: disputesAbi,
    functionName: "demandChunk",
    args: [job, header, lists, 0, 0],
  });
};

/** Opens a game about each of the targets, one after the other; returns their numbers. */
export const disputeAll = async (
  assay: Assay,
  { jobId, program }: { readonly jobId: Hex; readonly program: Program },
  targets: readonly TargetName[],
): Promise<bigint[]> => {
  const { job, prefixRoot } = await assay.jobFromChain(jobId);
  if (prefixRoot === undefined) throw new Error("nothing was submitted");
  const named = namedProgram(program);
  await allowBonds(assay.context, job.terms.disputes, 10n ** 12n);
  const ids: bigint[] = [];
  for (const target of targets)
    ids.push((await challenge(assay.context, job, prefixRoot, named, target)).gameId);
  return ids;
};

/** Something that the contract lets a challenger point at. */
export const anything = (random: Random, { position, shown }: Game): ChallengerMove => {
  switch (PHASES[position.phase]) {
    case "point": {
      if (position.last !== zeroHash && random.oneIn(3)) return { move: "point", pick: LAST_ENTRY };
      const present = shown.children.filter((child) => child !== zeroHash).length;
      return { move: "point", pick: position.height === 0 ? 0 : random.integer(0, present - 1) };
    }
    case "element":
      return {
        move: "pointElement",
        place: random.integer(0, (shown.chunk.length - 2) / 8 - 1),
      };
    case "claim": {
      const k = random.integer(0, position.operands - 1);
      return { move: "pointClaim", claim: random.pick([k, 3 + k, 6]) };
    }
    default:
      throw new Error(`not the challenger's move in level ${LEVELS[position.level]}`);
  }
};

/** Makes the challenger's move where it is due. */
const lie = async (assay: Assay, game: Game, random: Random): Promise<void> => {
  if (turnOf(game) === "challenger") await play(assay.context, game, anything(random, game));
};

export interface Lies {
  readonly disputes: Hex;
  readonly ids: readonly bigint[];
  readonly randoms: readonly Random[];
}

/** Games to lie in. Each has draws of its own, which do not depend on which one is answered first. */
export const liesIn = (disputes: Hex, ids: readonly bigint[], seed: number): Lies => ({
  disputes,
  ids,
  randoms: ids.map((_, place) => new Random(seed + place)),
});

/** Plays games at random until each is over or has gone far enough; gives them as they then stand. */
export const lieUntil = async (
  assay: Assay,
  { disputes, ids, randoms }: Lies,
  enough: (game: Game) => boolean = () => false,
): Promise<Game[]> => {
  const end = Date.now() + 600_000;
  for (;;) {
    const games: Game[] = [];
    for (const gameId of ids) games.push(await readGame(assay.context, { disputes, gameId }));
    const going = games.filter((game) => game.end === undefined && !enough(game));
    if (going.length === 0) return games;
    if (Date.now() > end) {
      const stand = going.map(({ gameId, position, moves }) => [gameId, position, moves.length]);
      throw new Error(`games go on for too long: ${JSON.stringify(stand, bigints)}`);
    }
    for (const game of going) await lie(assay, game, randoms[games.indexOf(game)]!);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const bigints = (_: string, value: unknown): unknown =>
  typeof value === "bigint" ? String(value) : value;
