import type { Command } from "commander";
import pc from "picocolors";
import { AssayError } from "@assay/protocol/errors";
import { parametersAbi } from "@assay/protocol/generated/abis";
import { read } from "@assay/sdk/chain/read";
import { auditOf } from "@assay/sdk/disputes/audits";
import { phaseOf, type Game } from "@assay/sdk/disputes/game";
import { describePlace } from "@assay/sdk/disputes/place";
import { findGames, readGame } from "@assay/sdk/disputes/read";
import { deadlineOf, stakesOf, turnOf, type AtStake } from "@assay/sdk/disputes/turn";
import { drawLevel, drawTurn, formatBits, levelsOf } from "../disputes/draw.ts";
import type { Session } from "../home/session.ts";
import { formatAmount, shortHex } from "../terminal/format.ts";
import { sessionOf, tokenOf } from "./common.ts";

/** Phases in which the game has come to one scalar operation. */
const AT_SCALAR: ReadonlySet<string> = new Set(["judge", "claim", "prove"]);

const gameId = (text: string): bigint => {
  if (/^[1-9][0-9]*$/.test(text)) return BigInt(text);
  throw new AssayError("USAGE_BAD_DISPUTE_ID", `“${text}” is not a dispute's number`, {
    remedy: "give the number that `assay dispute list` prints",
  });
};

const chainTime = async ({ reader }: Session): Promise<number> =>
  Number((await reader.context.publicClient.getBlock()).timestamp);

const disputesOf = async ({ reader }: Session): Promise<`0x${string}`> =>
  (await reader.context.deployment()).contracts.disputes;

const atStake = async ({ reader }: Session, game: Game): Promise<AtStake> => {
  const { job } = await reader.jobFromChain(game.jobId);
  const { contracts } = await reader.context.deployment();
  const params = await read(reader.context, {
    address: contracts.parameters,
    abi: parametersAbi,
    functionName: "paramsAt",
    args: [job.terms.paramsVersion],
  });
  return stakesOf(game, job, params);
};

/** A game as `--json` gives it. */
const plain = (game: Game, now: number) => ({
  id: game.gameId,
  contract: game.disputes,
  jobId: game.jobId,
  provider: game.provider,
  challenger: game.challenger,
  bond: game.bond,
  end: game.end ?? null,
  turn: turnOf(game) ?? null,
  deadline: deadlineOf(game) ?? null,
  secondsLeft: game.end === undefined ? (deadlineOf(game) ?? now) - now : null,
  place: describePlace(game.position),
  moves: game.moves.length,
});

export const registerDispute = (program: Command): void => {
  const dispute = program
    .command("dispute")
    .description("games about results that somebody says are wrong")
    .addHelpText("after", "\nExample:\n  assay dispute list --live");
  dispute
    .command("list")
    .description("disputes, newest first")
    .option("--live", "only those that are not over")
    .option("--limit <count>", "how many", "20")
    .addHelpText("after", "\nExample:\n  assay dispute list --live")
    .action(async (options: { live?: boolean; limit: string }, command: Command) => {
      const session = await sessionOf(command);
      const { output, reader } = session;
      const [token, now, found] = await Promise.all([
        tokenOf(session),
        chainTime(session),
        findGames(reader.context, await disputesOf(session)),
      ]);
      const wanted = Math.max(1, Number(options.limit) || 20);
      const games: Game[] = [];
      for (const id of found.toReversed()) {
        if (games.length === wanted) break;
        const game = await readGame(reader.context, id);
        if (options.live !== true || game.end === undefined) games.push(game);
      }
      if (games.length === 0) output.line("no disputes");
      else {
        output.table([
          ["dispute", "job", "provider", "challenger", "bond", "about", "state"],
          ...games.map((game) => [
            String(game.gameId),
            shortHex(game.jobId),
            shortHex(game.provider),
            shortHex(game.challenger),
            formatAmount(game.bond, token),
            describePlace(game.position),
            drawTurn(game, now),
          ]),
        ]);
        output.next(`assay dispute show ${games[0]?.gameId}`);
      }
      output.result({ disputes: games.map((game) => plain(game, now)) });
    });
  dispute
    .command("show <id>")
    .description("one dispute: the way down, level by level, whose clock runs, what is at stake")
    .addHelpText("after", "\nExample:\n  assay dispute show 1")
    .action(async (text: string, _options: unknown, command: Command) => {
      const session = await sessionOf(command);
      const { output, reader } = session;
      const id = { disputes: await disputesOf(session), gameId: gameId(text) };
      const game = await readGame(reader.context, id);
      const [token, now, stake] = await Promise.all([
        tokenOf(session),
        chainTime(session),
        atStake(session, game),
      ]);
      output.step(`Dispute ${game.gameId} about job ${shortHex(game.jobId)}`);
      output.line(`provider    ${game.provider}`);
      output.line(`challenger  ${game.challenger}`);
      output.step("The way down");
      const levels = levelsOf(game);
      for (const level of levels) output.line(drawLevel(level));
      const { position } = game;
      if (AT_SCALAR.has(phaseOf(position)))
        output.line(
          `${pc.cyan("scalar".padEnd(11))}${formatBits(position.bits, position.dtype === 0 ? "f32" : "i32")} is disputed`,
        );
      output.step("Where it stands");
      output.line(drawTurn(game, now));
      const amount = (value: bigint): string => formatAmount(value, token);
      if (game.end === undefined) {
        output.line(
          `at stake: the provider's ${amount(stake.provider)} (price and collateral), the challenger's bond of ${amount(stake.challenger)}`,
        );
        output.line(
          `a challenger that wins gets its bond back, its measured costs, and ${amount(stake.reward)} as far as the collateral lasts`,
        );
      }
      const { reward } = await auditOf(reader.context, game, game.challenger);
      if (reward !== undefined)
        output.line(
          `${amount(reward.amount)} of reward wait${reward.until >= now ? ` ${reward.until - now} s more` : ""} for drawn auditors who found out before the result was shown (${reward.auditors} so far); without any it is the winner's`,
        );
      output.result({
        ...plain(game, now),
        levels,
        position,
        atStake: stake,
        reward: reward ?? null,
      });
    });
};
