/** Every move at every position of whole games: who may make it, when, and with what. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { Wallet } from "ethers";
import type { Words } from "@assay/engine/backend";
import { encodeOp } from "@assay/engine/ir/encode";
import { type Op, UNCHANGED } from "@assay/engine/ir/types";
import { ABSENT, type Hex, toHex } from "@assay/protocol/commitments/hash";

import { type Choice, playChallenger } from "../../support/dispute/challenger.ts";
import {
  type Court,
  type Game,
  NO_CHILDREN,
  type SubmittedJob,
  TARGET,
  challenge,
  deployCourtHouse,
  move,
  submitRun,
} from "../../support/dispute/court.ts";
import { reasonOf } from "../../support/dispute/play.ts";
import { smallProgram, wideProgram } from "../../support/dispute/programs.ts";
import { NO_PROOF, Provider } from "../../support/dispute/provider.ts";
import { Run, chunkTree, listTree } from "../../support/dispute/run.ts";
import { LEVEL, PHASE } from "../../support/dispute/trees.ts";
import { connect, root } from "../../support/market.ts";

const CHALLENGERS: readonly bigint[] = [PHASE.point, PHASE.element, PHASE.claim];

let court: Court;
const reasonFor = (sent: Promise<unknown>): Promise<string> =>
  sent.then(
    () => "none",
    (error: unknown) => reasonOf(court, error),
  );
const refused = async (sent: Promise<unknown>, name: string): Promise<void> => {
  assert.equal(await reasonFor(sent), name);
};
const helpers = () => court.connection.networkHelpers;

/** What a move is tried with: of the right kind, and the game's own where it is shown again. */
const movesOf = (game: Game, { header }: SubmittedJob) => {
  const b = game.bindings;
  const { claims, children } = game;
  const op = encodeOp(wide.program.step[wide.foldOp] as Op);
  return {
    open: { phase: PHASE.open, args: [NO_CHILDREN] },
    point: { phase: PHASE.point, args: [children, 0] },
    crossSteps: { phase: PHASE.cross, level: [LEVEL.checkpoint], args: [b, ABSENT, NO_CHILDREN] },
    crossState: {
      phase: PHASE.cross,
      level: [LEVEL.checkpoint, LEVEL.step],
      args: [b, NO_CHILDREN],
    },
    crossTensor: {
      phase: PHASE.cross,
      level: [LEVEL.state, LEVEL.output],
      args: [b, header, ABSENT, NO_CHILDREN],
    },
    crossOp: { phase: PHASE.cross, level: [LEVEL.op], args: [b, op, [], ABSENT, NO_CHILDREN] },
    crossTerms: { phase: PHASE.cross, level: [LEVEL.chunk], args: [ABSENT, NO_CHILDREN] },
    proveUnchanged: {
      phase: PHASE.cross,
      level: [LEVEL.state],
      args: [b, header, ABSENT, [], []],
    },
    proveParameter: { phase: PHASE.cross, level: [LEVEL.model], args: [b, header, []] },
    reveal: { phase: PHASE.reveal, args: ["0x"] },
    pointElement: { phase: PHASE.element, args: [game.chunk, 0] },
    judge: { phase: PHASE.judge, args: [b, op, claims] },
    pointClaim: { phase: PHASE.claim, args: [0] },
    prove: { phase: PHASE.prove, args: [b, op, claims, NO_PROOF] },
  } as const;
};

const wide = wideProgram();
const run = new Run(wide.program, wide.inputs);

describe("Every move of a game", () => {
  let job: SubmittedJob;
  before(async () => {
    court = await deployCourtHouse();
    job = await submitRun(court, run, run, wide.inputs.seed);
  });

  const ask = (game: Game, by: Wallet, name: string, args: readonly unknown[], id = game.id) =>
    reasonFor(
      connect(court.disputes, by)
        .getFunction(name)
        .staticCall(id, game.position, ...args),
    );

  /** Moves of another phase or level, of the other side, of another game, and too late. */
  async function tryAll(game: Game, other: Game): Promise<void> {
    const { phase, level } = game.position;
    const turn = CHALLENGERS.includes(phase) ? court.challenger : court.provider;
    const waits = turn === court.provider ? court.challenger : court.provider;
    for (const [name, { args, ...wanted }] of Object.entries(movesOf(game, job))) {
      const what = `${name} at phase ${phase} of level ${level}`;
      if (wanted.phase !== phase) {
        assert.equal(await ask(game, turn, name, args), "DisputeWrongPhase", what);
        continue;
      }
      assert.equal(await ask(game, waits, name, args), "DisputeNotYourTurn", what);
      assert.equal(await ask(game, court.requester, name, args), "DisputeNotYourTurn", what);
      assert.equal(await ask(game, turn, name, args, other.id), "DisputeWrongPosition", what);
      if ("level" in wanted && !wanted.level.some((its) => its === level))
        assert.equal(await ask(game, turn, name, args), "DisputeWrongCrossing", what);
    }
    const { bindings } = game;
    assert.equal(await ask(game, turn, "compare", [bindings, job.job]), "DisputeWrongPhase");
  }

  /** Tries the move in the last second of its clock and in the one after; nothing of it stays. */
  async function atTheFlag(game: Game, send: (game: Game) => Promise<void>): Promise<void> {
    const isChallengers = CHALLENGERS.includes(game.position.phase);
    const { movedAt, providerLeft, challengerLeft } = await court.disputes.getFunction("gameOf")(
      game.id,
    );
    const flag = Number(movedAt + (isChallengers ? challengerLeft : providerLeft));
    const timeout = (whose: "provider" | "challenger") =>
      whose === "provider"
        ? move(court, { ...game, gas: [] }, court.requester, "timeoutProvider", job.job)
        : move(court, { ...game, gas: [] }, court.requester, "timeoutChallenger");
    const [own, others] = isChallengers
      ? (["challenger", "provider"] as const)
      : (["provider", "challenger"] as const);
    const { time } = helpers();
    const snapshot = await helpers().takeSnapshot();
    await time.setNextBlockTimestamp(flag);
    await refused(timeout(own), "DisputeClockRunning");
    await send({ ...game, gas: [] });
    await snapshot.restore();
    await time.setNextBlockTimestamp(flag + 1);
    await refused(send({ ...game, gas: [] }), "DisputeClockOver");
    await refused(timeout(others), "DisputeWrongPhase");
    await timeout(own);
    await snapshot.restore();
  }

  async function playAll(target: number, choice: Choice): Promise<Game> {
    const game = await challenge(court, job, target);
    const other = await challenge(court, job, TARGET.lastState);
    const provider = new Provider(court, run, job);
    const send = (table: Game): Promise<void> =>
      CHALLENGERS.includes(table.position.phase)
        ? playChallenger(court, table, choice)
        : provider.play(table);
    while (game.over === undefined) {
      await tryAll(game, other);
      await atTheFlag(game, send);
      await send(game);
    }
    assert.equal(game.over, "challenger lost");
    return game;
  }

  /** Down to a term in the second chunk of the fold's accumulators. */
  const toTheFold: Choice = {
    child: (_, p) => (p.level === LEVEL.step || p.level === LEVEL.chunk ? 0 : 1),
    element: (game) => (game.chunk.length - 2) / 8 - 1,
    claim: () => 1,
  };

  it("belongs to its phase, level, side and game, and to the clock up to its last second", async () => {
    const game = await playAll(TARGET.checkpoint, toTheFold);
    assert.deepEqual([game.position.level, game.position.op], [LEVEL.term, BigInt(wide.foldOp)]);
  });

  it("of a game about the model too", async () => {
    const game = await playAll(TARGET.model, toTheFold);
    assert.equal(game.position.level, LEVEL.model);
  });
});

describe("What a move shows", () => {
  const small = smallProgram(4, 2);
  const honest = new Run(small.program, small.inputs);
  let job: SubmittedJob;
  before(async () => {
    court = await deployCourtHouse();
    job = await submitRun(court, honest, honest, small.inputs.seed);
  });

  /** A game at this level and phase: at the second checkpoint, and then at `pick`. */
  async function at(level: bigint, phase: bigint, pick = 0, of = job, by = honest) {
    const game = await challenge(court, of, TARGET.checkpoint);
    const provider = new Provider(court, by, of);
    const choice: Choice = {
      child: (_, p) => (p.level === LEVEL.checkpoint ? 1 : p.level === LEVEL.state ? pick : 0),
      element: () => 0,
      claim: () => 0,
    };
    while (game.position.level !== level || game.position.phase !== phase) {
      if (game.over !== undefined) throw new Error("the game is over");
      if (CHALLENGERS.includes(game.position.phase)) await playChallenger(court, game, choice);
      else await provider.play(game);
    }
    const send = (name: string, ...args: readonly unknown[]) =>
      move(court, game, court.provider, name, ...args);
    const point = (name: string, ...args: readonly unknown[]) =>
      move(court, game, court.challenger, name, ...args);
    const bent = { ...game.bindings, seed: 8n };
    return { game, provider, send, point, b: game.bindings, bent };
  }

  it("of states: the bindings, and a crossing as long as the interval", async () => {
    const { send, b, bent } = await at(LEVEL.checkpoint, PHASE.cross);
    const [first, second] = [honest.stateRoot(1), honest.stateRoot(2)];
    await refused(send("crossSteps", bent, first, NO_CHILDREN), "DisputeMismatch");
    const tensors = listTree(honest.tensorRoots(2)).children([]);
    await refused(send("crossState", b, tensors), "DisputeWrongCrossing");
    await send("crossSteps", b, first, NO_CHILDREN);
    assert.notEqual(first, second);

    const single = smallProgram(4, 1);
    const run1 = new Run(single.program, single.inputs);
    const other = await submitRun(court, run1, run1, single.inputs.seed);
    const one = await at(LEVEL.checkpoint, PHASE.cross, 0, other, run1);
    await refused(one.send("crossSteps", one.b, ABSENT, NO_CHILDREN), "DisputeWrongCrossing");
    await refused(one.send("crossState", one.bent, NO_CHILDREN), "DisputeMismatch");
    await refused(one.send("crossState", one.b, NO_CHILDREN), "DisputeMismatch");
    await one.provider.play(one.game);
  });

  it("of a single leaf: that it is the leaf, with nothing beside it", async () => {
    const { point, game } = await at(LEVEL.step, PHASE.point);
    assert.equal(game.position.height, 0n);
    await refused(point("point", NO_CHILDREN, 1), "DisputeNoSuchPlace");
    await refused(point("point", NO_CHILDREN, 17), "DisputeNoSuchPlace");
    await point("point", NO_CHILDREN, 16);
  });

  it("of a tensor: the header, and that steps change it or leave it alone", async () => {
    const { header } = job;
    const other = `${header.slice(0, -2)}77` as Hex;
    const changed = await at(LEVEL.state, PHASE.cross, 0);
    const { send, b, bent } = changed;
    const unchanged = (bindings: unknown, shown: Hex, state: Hex, proof: Hex[][]) =>
      [
        "proveUnchanged",
        bindings,
        shown,
        state,
        listTree(honest.prefix()).proof(0),
        proof,
      ] as const;
    const start = honest.stateRoot(0);
    const proofOf = (tensor: number) => listTree(honest.tensorRoots(0)).proof(tensor);
    await refused(send("crossTensor", bent, header, ABSENT, NO_CHILDREN), "DisputeMismatch");
    await refused(send("crossTensor", b, other, ABSENT, NO_CHILDREN), "DisputeMismatch");
    await refused(send(...unchanged(b, header, start, proofOf(0))), "DisputeNotProven");
    await send("crossTensor", b, header, ABSENT, NO_CHILDREN);

    const still = await at(LEVEL.state, PHASE.cross, 1);
    const cross = still.send("crossTensor", still.b, header, ABSENT, NO_CHILDREN);
    await refused(cross, "DisputeWrongCrossing");
    const proof = proofOf(1);
    await refused(still.send(...unchanged(still.bent, header, start, proof)), "DisputeMismatch");
    await refused(still.send(...unchanged(still.b, other, start, proof)), "DisputeMismatch");
    const later = honest.stateRoot(1);
    await refused(still.send(...unchanged(still.b, header, later, proof)), "DisputeNotProven");
    const forged = [[root("another tensor"), ...(proof[0] ?? []).slice(1)]];
    await refused(still.send(...unchanged(still.b, header, start, forged)), "DisputeNotProven");
    await still.send(...unchanged(still.b, header, start, proof));
    assert.equal(still.game.over, "challenger lost");
  });

  it("of a tensor of the first state: nothing came before it that it could be unchanged from", async () => {
    const game = await challenge(court, job, TARGET.checkpoint);
    const provider = new Provider(court, honest, job);
    while (game.position.level !== LEVEL.state || game.position.phase !== PHASE.cross) {
      if (game.position.phase === PHASE.point)
        await move(court, game, court.challenger, "point", game.children, 0);
      else await provider.play(game);
    }
    assert.equal(small.program.state[1]?.stepOp, UNCHANGED);
    const state = honest.stateRoot(0);
    const proof = listTree(honest.tensorRoots(0)).proof(0);
    const sent = move(
      court,
      game,
      court.provider,
      "proveUnchanged",
      game.bindings,
      job.header,
      state,
      [],
      proof,
    );
    await refused(sent, "DisputeNotProven");
    await provider.play(game);
  });

  it("of a parameter: the bindings, the header, and its place in the last state", async () => {
    const game = await challenge(court, job, TARGET.model);
    const send = (bindings: unknown, header: Hex, tensor: number) => {
      const proof = listTree(honest.tensorRoots(4)).proof(tensor);
      return move(court, game, court.provider, "proveParameter", bindings, header, proof);
    };
    const b = game.bindings;
    const header = `${job.header.slice(0, -2)}77` as Hex;
    await refused(send({ ...b, stateRoot: root("state") }, job.header, 0), "DisputeMismatch");
    await refused(send(b, header, 0), "DisputeMismatch");
    await refused(send(b, job.header, 1), "DisputeNotProven");
    await send(b, job.header, 0);
    assert.equal(game.over, "challenger lost");
  });

  it("of an op: its place in the list, and a tensor of its type", async () => {
    const { send, b, bent } = await at(LEVEL.op, PHASE.cross);
    const [add] = small.program.step as [Op];
    const [mul] = small.program.eval as [Op];
    const { root: chunks } = chunkTree(add.out, honest.values("step", 1)[0] as Words);
    const cross = (bindings: unknown, op: Op, proof: Hex[][], shown: Hex) =>
      send("crossOp", bindings, encodeOp(op), proof, shown, NO_CHILDREN);
    await refused(cross(bent, add, [], chunks), "DisputeMismatch");
    await refused(cross(b, mul, [], chunks), "DisputeMismatch");
    await refused(cross(b, add, [Array<Hex>(15).fill(ABSENT)], chunks), "DisputeMismatch");
    await refused(cross(b, add, [], root("chunks")), "DisputeMismatch");
    await cross(b, add, [], chunks);
  });

  it("of a chunk: the bytes that were revealed, and a place among them", async () => {
    const { point, game } = await at(LEVEL.chunk, PHASE.element);
    const bytes = Buffer.from(game.chunk.slice(2), "hex");
    await refused(
      point("pointElement", toHex(bytes.map((byte) => byte ^ 1)), 0),
      "DisputeMismatch",
    );
    await refused(point("pointElement", game.chunk, 1), "DisputeNoSuchPlace");
    await point("pointElement", game.chunk, 0);
  });

  it("of a scalar: the op in dispute, and its claims", async () => {
    const { send, b, bent, game, provider } = await at(LEVEL.chunk, PHASE.judge);
    const [add] = small.program.step as [Op];
    const [mul] = small.program.eval as [Op];
    const { claims } = game;
    await refused(send("judge", bent, encodeOp(add), claims), "DisputeMismatch");
    await refused(send("judge", b, encodeOp(mul), claims), "DisputeMismatch");
    await provider.play(game);
    await move(court, game, court.challenger, "pointClaim", 0);
    const prove = (bindings: unknown, op: Op) =>
      send("prove", bindings, encodeOp(op), game.claims, NO_PROOF);
    await refused(prove(bent, add), "DisputeMismatch");
    await refused(prove(b, mul), "DisputeMismatch");
    await refused(prove(b, add), "DisputeNotProven");
    await provider.play(game);
    assert.equal(game.over, "challenger lost");
  });

  it("of a job that is lost: its own record", async () => {
    const other = await submitRun(court, honest, honest, small.inputs.seed);
    const game = await challenge(court, other, TARGET.checkpoint);
    const { movedAt, providerLeft } = await court.disputes.getFunction("gameOf")(game.id);
    await helpers().time.increaseTo(movedAt + providerLeft + 1n);
    const end = (record: SubmittedJob) =>
      move(court, game, court.requester, "timeoutProvider", record.job);
    await refused(end(job), "DisputeWrongJob");
    await end(other);
    assert.equal(game.over, "provider lost");
  });

  it("of a game where nobody has to move: no clock, and only a comparison", async () => {
    const bare = { ...small.program, eval: [], outputs: [] };
    const forged = Object.assign(new Run(bare, small.inputs), {
      evaluationRoots: () => [honest.stateRoot(0)],
    });
    const of = await submitRun(court, forged, forged, small.inputs.seed);
    const game = await challenge(court, of, TARGET.evaluation);
    const { movedAt, providerLeft } = await court.disputes.getFunction("gameOf")(game.id);
    await helpers().time.increaseTo(movedAt + providerLeft + 1n);
    const { requester } = court;
    await refused(move(court, game, requester, "timeoutProvider", of.job), "DisputeWrongPhase");
    await refused(move(court, game, requester, "timeoutChallenger"), "DisputeWrongPhase");
    await move(court, game, requester, "compare", game.bindings, of.job);
    assert.equal(game.over, "provider lost");
  });
});
