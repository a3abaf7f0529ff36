/**
 * Many random dispute games on a chain in this process: whoever is right must win each. Needs compiled contracts
 * (`npx hardhat build`). `--games N`: at least so many games (default 2000); `--from N`: number of the first program, the
 * seed of its games (default 1000).
 */
import { parseArgs } from "node:util";
import { deployCourtHouse } from "../../test/contracts/support/dispute/court.ts";
import { isJust, randomGames } from "../../test/contracts/support/dispute/random.ts";

const { values } = parseArgs({
  options: {
    games: { type: "string", default: "2000" },
    from: { type: "string", default: "1000" },
  },
});
const wanted = Number(values.games);
/** Programs on one chain, before a fresh one begins with funded players. */
const PER_CHAIN = 100;

const started = performance.now();
const counts = new Map<string, number>();
let played = 0;
let number = Number(values.from);
while (played < wanted) {
  const court = await deployCourtHouse();
  for (let i = 0; i < PER_CHAIN && played < wanted; i++, number++) {
    for (const outcome of await randomGames(court, number)) {
      if (!isJust(outcome)) {
        process.exitCode = 1;
        throw new Error(
          `program ${number}: ${outcome.side} ended with ${outcome.over ?? "no end"}`,
        );
      }
      played++;
      const { fault } = outcome;
      const cheat = fault?.kind === "other" ? fault.what : (fault?.kind ?? "no fault, a liar");
      const reason = `${cheat}, ${outcome.stuck ?? "proven"} at level ${outcome.level}`;
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
  }
}
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(
  `${played} games of programs ${values.from} to ${number - 1}: the honest side won each (${seconds} s)`,
);
for (const [reason, count] of [...counts].sort(([, a], [, b]) => b - a))
  console.log(`${count}  ${reason}`);
