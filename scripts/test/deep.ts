/**
 * The property tests of the engine's back ends on many more random programs than `npm test` takes.
 * `--programs N`: programs per family (default 5000); `--games N`: disputes (default 2000); `--from N`: number of the
 * first of each.
 */
import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { parseArgs } from "node:util";
import {
  assertSameBits,
  compareRandomPrograms,
  PROGRAM_FAMILIES,
} from "@assay/engine/testing/compare";
import { faultGame, spuriousGames } from "@assay/engine/testing/games";
import { randomContraction } from "@assay/engine/testing/contractions";
import { wasmBackend, wideWasmBackend } from "@assay/engine/wasm/backend";

const { values } = parseArgs({
  options: {
    games: { type: "string", default: "2000" },
    programs: { type: "string", default: "5000" },
    from: { type: "string", default: "100000" },
  },
});
const [count, from] = [Number(values.programs), Number(values.from)];
const games = Number(values.games);

// V8 starts with unoptimised code; short programs would never meet the optimising compiler.
setFlagsFromString("--no-liftoff");
for (const backend of [wasmBackend, wideWasmBackend]) {
  for (const { what, options } of PROGRAM_FAMILIES) {
    await compareRandomPrograms(backend, options, from, count);
    console.log(`${backend.name}: ${count} random programs with ${what} agree with the reference`);
  }
  for (let number = from; number < from + count; number++) {
    const { program, inputs } = randomContraction(number);
    await assertSameBits(backend, program, inputs, `random contraction ${number}`);
  }
  console.log(`${backend.name}: ${count} random contractions agree with the reference`);
}

let found = 0;
for (let number = from; number < from + games; number++) {
  const game = await faultGame(number);
  if (game === undefined) continue;
  assert.equal(game.verdict.winner, "challenger", `game ${number}: ${JSON.stringify(game)}`);
  found++;
}
console.log(`descent: ${games} random faults, all ${found} with an effect lost by the provider`);
for (let number = from; number < from + games; number++) {
  for (const verdict of await spuriousGames(number, 1))
    assert.equal(verdict.winner, "provider", `game ${number}: ${JSON.stringify(verdict)}`);
}
console.log(`descent: ${games} random challenges, all lost against an honest provider`);
