/** Games about programs at the hard limits, and the last moves of every opcode: none of them outgrows a transaction. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { ZeroHash } from "ethers";
import { encodeOp } from "@assay/engine/ir/encode";
import { PRIMITIVES } from "@assay/engine/ir/primitives";

import { type Court, type Game, deployCourtHouse } from "../../support/dispute/court.ts";
import { largeProgram, limitProgram, opcodeProgram } from "../../support/dispute/limits.ts";
import { Synthetic } from "../../support/dispute/synthetic.ts";
import { assertGas } from "../../support/gas.ts";
import { connect } from "../../support/market.ts";

/** What the chain lets one transaction use; the goals of a whole game of 2^48 steps and of its last step. */
const TRANSACTION = 16_700_000n;
const WHOLE = 2_200_000n;
const LAST_STEP = 300_000n;

const used = (game: Game, names?: readonly string[]): bigint =>
  game.gas.reduce(
    (sum, { name, used: gas }) => ((names?.includes(name) ?? true) ? sum + gas : sum),
    0n,
  );

describe("Disputes at the limits", () => {
  let court: Court;
  before(async () => {
    court = await deployCourtHouse();
  });

  async function played({ program, spot }: ReturnType<typeof limitProgram>, claim?: number) {
    const made = new Synthetic(program, spot);
    const game = await made.begin(court);
    await made.play(court, game, claim ?? (made.provable[0] as number));
    assert.equal(game.over, "challenger lost");
    for (const { name, used: gas } of game.gas) assertGas(gas, TRANSACTION, name);
    return game;
  }

  it("a program at every limit is played to its last proof, of a row, in one call each", async () => {
    await played(limitProgram(), 3);
  });

  it("and of a value in the state before", async () => {
    await played(limitProgram(), 0);
  });

  it("a game about 2^48 scalar steps stays within its goal", async () => {
    const game = await played(largeProgram());
    assertGas(used(game), WHOLE);
    const last = used(game, ["judge", "prove"]);
    assertGas(last, LAST_STEP);
  });

  it("a demand for a chunk of the largest model fits a call", async () => {
    const { program, spot } = limitProgram();
    const made = new Synthetic(program, spot);
    const job = await made.submit(court);
    const demand = connect(court.disputes, court.challenger).getFunction("demandChunk");
    const sent = await demand(job.job, job.header, job.lists, 7, 2 ** 20 - 1);
    const receipt = await sent.wait();
    assertGas(receipt.gasUsed, TRANSACTION);
  });

  it("evidence about the largest op, with all its sources, fits a call", async () => {
    const { program, spot } = limitProgram();
    const made = new Synthetic(program, spot);
    const job = await made.submit(court);
    const { programRoot, dataRoot, parentRoot, steps, interval } = job.job.terms;
    const nothing = { op: "0x", proof: [] };
    const evidence = {
      place: 1,
      header: job.header,
      lists: job.lists,
      list: 1,
      index: spot.op,
      op: encodeOp(made.op),
      proof: made.opProof(spot.op),
      sources: Array.from({ length: 6 }, (_, k) =>
        k === 2 ? { op: encodeOp(program.step[11]!), proof: made.opProof(11) } : nothing,
      ),
      tensor: 0,
      columnProof: [],
      dtype: 0,
      rank: 0,
      dims: 0n,
      chunks: ZeroHash,
    };
    const isAtFault = court.faults.getFunction("isAtFault");
    const words = [programRoot, dataRoot, parentRoot, steps, interval, evidence] as const;
    assert.equal(await isAtFault(...words), false, "the program is within every limit");
    const gas = await isAtFault.estimateGas(...words);
    assertGas(gas, TRANSACTION);
  });

  for (const primitive of PRIMITIVES) {
    it(`judges and proves ${primitive.name}, with plain operands and with the heaviest`, async () => {
      const plain = await played(opcodeProgram(primitive, false));
      const last = used(plain, ["judge", "prove"]);
      assertGas(last, LAST_STEP);
      await played(opcodeProgram(primitive, true), 3);
    });
  }
});
