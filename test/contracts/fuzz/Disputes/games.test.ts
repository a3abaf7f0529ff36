/** Random small programs, a fault at a random place and level or none, and players of both kinds: the honest side wins. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { type Court, deployCourtHouse } from "../../support/dispute/court.ts";
import { type Outcome, isJust, randomGames } from "../../support/dispute/random.ts";

/** Numbers played here; `scripts/deep/disputes.ts` plays many more. */
const NUMBERS = 80;

const text = (outcome: Outcome): string =>
  JSON.stringify(outcome, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );

describe("Disputes on random programs", () => {
  let court: Court;
  const played: Outcome[] = [];
  before(async () => {
    court = await deployCourtHouse();
  });

  for (let number = 0; number < NUMBERS; number++) {
    it(`game ${number}: the honest side wins`, async () => {
      const outcomes = await randomGames(court, number);
      played.push(...outcomes);
      for (const outcome of outcomes) assert.ok(isJust(outcome), text(outcome));
    });
  }

  it("at least 100 games were played, and lost for every reason that there is", () => {
    assert.ok(played.length >= 100, `${played.length} games`);
    const reasons = new Set(played.map(({ stuck }) => stuck));
    const all = [undefined, "DisputeWrongScalar", "DisputeNotProven", "DisputeMismatch"];
    assert.deepEqual(reasons, new Set(all));
    const cheats = played.map(({ fault }) => (fault?.kind === "other" ? fault.what : fault?.kind));
    assert.ok(new Set(cheats).size >= 10, [...new Set(cheats)].join());
    assert.ok(new Set(played.map(({ level }) => level)).size >= 4, "of four levels at least");
  });
});
