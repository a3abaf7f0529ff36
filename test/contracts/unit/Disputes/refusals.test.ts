/** What the clerk refuses, and the edges of what it takes: challenges, forced games, demands, evidence. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Wallet, ZeroHash } from "ethers";
import type { Words } from "@assay/engine/backend";
import type { Hex } from "@assay/protocol/commitments/hash";
import { toHex } from "@assay/protocol/commitments/hash";

import { Honest } from "../../support/dispute/challenger.ts";
import {
  CLOCK,
  type Court,
  type Game,
  type SubmittedJob,
  TARGET,
  WINDOW,
  agreeRun,
  challenge,
  commitRun,
  deployCourtHouse,
  gameOf,
  move,
  nextNonce,
  revealRun,
  submitRun,
} from "../../support/dispute/court.ts";
import { limitProgram } from "../../support/dispute/limits.ts";
import { play, reasonOf, timeoutProvider } from "../../support/dispute/play.ts";
import { smallProgram } from "../../support/dispute/programs.ts";
import { NO_PROOF, Provider } from "../../support/dispute/provider.ts";
import { type Fault, Run, chunkTree, listTree } from "../../support/dispute/run.ts";
import { Synthetic } from "../../support/dispute/synthetic.ts";
import { LEVEL, PHASE } from "../../support/dispute/trees.ts";
import {
  TOKEN,
  connect,
  follow,
  fundAndStake,
  root,
  signSubmission,
  submissionOf,
} from "../../support/market.ts";

const { program, inputs } = smallProgram(4, 2);
const honest = new Run(program, inputs);
const DAY = 86_400;

let court: Court;
const refused = async (sent: Promise<unknown>, name: string): Promise<void> => {
  const reason = await sent.then(
    () => "none",
    (error: unknown) => reasonOf(court, error),
  );
  assert.equal(reason, name);
};
const free = (who: { address: string }): Promise<bigint> =>
  court.market.getFunction("freeBalance")(who.address);
const time = () => court.connection.networkHelpers.time;
const stateOf = ({ jobId }: { jobId: string }): Promise<bigint> =>
  court.market.getFunction("stateOf")(jobId);
const call = (by: Wallet, name: string, ...args: readonly unknown[]) =>
  connect(court.disputes, by).getFunction(name)(...args);
const submit = (run: Run = honest) => submitRun(court, run, honest, inputs.seed);
const clocksOf = ({ id }: Game): Promise<{ providerLeft: bigint; challengerLeft: bigint }> =>
  court.disputes.getFunction("gameOf")(id);

describe("Disputes.challenge, at its edges", () => {
  beforeEach(async () => {
    court = await deployCourtHouse();
  });

  it("waits for a receipt to stand, to the second, and so does a demand", async () => {
    court = await deployCourtHouse({ numbers: { receiptGrace: 3_600 } });
    const agreed = await agreeRun(court, honest, honest, inputs.seed);
    const prefix = { ...submissionOf(agreed.jobId, 1), evalRoot: ZeroHash as Hex };
    const signature = await signSubmission(court, prefix);
    await time().increaseTo(Number(agreed.job.terms["deadline"]) + 1);
    const present = court.market.getFunction("submitReceipt");
    const receipt = await (await present(agreed.job, prefix, signature)).wait();
    const [job] = follow(receipt, [agreed.job]);
    assert.ok(job);
    const shown = { ...agreed, job, submission: prefix };
    const from = Number(job.progress["submittedAt"]);
    const demand = () =>
      call(court.challenger, "demandChunk", job, agreed.header, agreed.lists, 0, 0);
    await time().setNextBlockTimestamp(from - 1);
    await refused(challenge(court, shown, TARGET.lastState), "DisputeOutsideWindow");
    await refused(demand(), "DisputeOutsideWindow");
    await time().setNextBlockTimestamp(from);
    await challenge(court, shown, TARGET.lastState);
    await (await demand()).wait();
  });

  it("is not about a program whose header is at fault: that job is void", async () => {
    const bare = { ...program, state: program.state.map((t) => ({ ...t, parameter: false })) };
    const run = Object.assign(new Run(program, inputs), { program: bare });
    run.modelRoots = () => honest.modelRoots();
    const job = await submit(run);
    await refused(challenge(court, job, TARGET.checkpoint), "DisputeNothingToDispute");
    const { header, lists } = job;
    const demand = call(court.challenger, "demandChunk", job.job, header, lists, 0, 0);
    await refused(demand, "DisputeNothingToDispute");
  });

  it("gives each side as much time as a clock can hold, where a run takes years", async () => {
    const request = { runTime: 400 * DAY };
    const job = await submitRun(court, honest, honest, inputs.seed, { request });
    const game = await challenge(court, job, TARGET.checkpoint);
    const { providerLeft, challengerLeft } = await clocksOf(game);
    assert.deepEqual([providerLeft, challengerLeft], [2n ** 24n - 1n, 2n ** 24n - 1n]);
  });

  it("costs nothing where the parameters ask for no bond, and wins all the same", async () => {
    court = await deployCourtHouse({ numbers: { challengeBond: 0n } });
    const wrong = new Run(program, inputs, { kind: "stop", step: 2 });
    const job = await submit(wrong);
    const before = await free(court.challenger);
    const [lost, idle, game] = [
      await challenge(court, job, TARGET.checkpoint),
      await challenge(court, job, TARGET.lastState),
      await challenge(court, job, TARGET.lastState),
    ];
    await move(court, lost, court.provider, "open", listTree(wrong.prefix()).children([]));
    await time().increase(2 * CLOCK);
    await (await call(court.requester, "timeoutChallenger", lost.id, lost.position)).wait();
    await timeoutProvider(court, game, job);
    assert.equal(await stateOf(job), 5n);
    await (await call(court.requester, "withdrawBond", idle.id, idle.position)).wait();
    assert.equal(await free(court.challenger), before + TOKEN, "the reward");
  });

  it("is paid for up to the bound, however much gas it took", async () => {
    const gasPrice = 100n * TOKEN;
    court = await deployCourtHouse({ gasPrice });
    const made = new Synthetic(limitProgram().program, limitProgram().spot);
    const job = await made.submit(court);
    const before = await free(court.challenger);
    const game = await challenge(court, job, TARGET.checkpoint);
    while (game.position.phase !== PHASE.judge) await made.move(court, game, 0);
    await timeoutProvider(court, game, job);
    const covered = (2_500_000n * gasPrice) / 10n ** 9n;
    assert.equal(await free(court.challenger), before + covered + TOKEN);
  });
});

describe("Disputes.forcePlay, at its edges", () => {
  let second: Wallet;
  beforeEach(async () => {
    court = await deployCourtHouse();
    second = new Wallet(root("second provider"), court.ethers.provider);
    await (await court.deployer.sendTransaction({ to: second.address, value: 10n ** 18n })).wait();
    await fundAndStake({ ...court, provider: second }, 10n * TOKEN);
  });

  /** A replica with a fault, by the court's provider, and a right one. */
  async function replicas(faulty: Run): Promise<[SubmittedJob, SubmittedJob]> {
    const request = {
      nonce: nextNonce(),
      replicas: 2,
      expiry: (await time().latest()) + 3_600,
    };
    const a = await agreeRun(court, faulty, honest, inputs.seed, { request });
    const b = await agreeRun(court, honest, honest, inputs.seed, { request, by: second });
    const committed = [await commitRun(court, a), await commitRun(court, b, second)] as const;
    return [await revealRun(court, committed[0]), await revealRun(court, committed[1])];
  }
  const side = ({ job, submission }: SubmittedJob) => ({ job, prefixRoot: submission.prefixRoot });
  const force = (bad: SubmittedJob, good: SubmittedJob) =>
    call(second, "forcePlay", side(bad), side(good), bad.header, bad.lists);

  const faults: readonly (readonly [string, Fault, bigint])[] = [
    [
      "the last state",
      { kind: "op", list: "step", step: 4, op: 0, element: 0, flip: 1 },
      LEVEL.checkpoint,
    ],
    ["the model", { kind: "model", tensor: 0, element: 0, flip: 1 }, LEVEL.model],
    ["the evaluation", { kind: "eval", tensor: 0, element: 1, flip: 1 }, LEVEL.output],
  ];
  for (const [what, fault, level] of faults) {
    it(`begins with ${what} where that is what differs first, and the right one wins`, async () => {
      const faulty = new Run(program, inputs, fault);
      const [bad, good] = await replicas(faulty);
      const game = gameOf(court, await (await force(bad, good)).wait());
      assert.equal(game.position.level, level);
      const table = { ...court, challenger: second };
      await play(table, game, bad, new Provider(court, faulty, bad), new Honest(honest));
      assert.equal(game.over, "provider lost");
      assert.deepEqual([await stateOf(bad), await stateOf(good)], [5n, 3n]);
    });
  }

  it("is open to the last second of the defender's window", async () => {
    const [bad, good] = await replicas(new Run(program, inputs, { kind: "stop", step: 1 }));
    const end = Number(bad.job.progress["windowEnd"]);
    const snapshot = await court.connection.networkHelpers.takeSnapshot();
    await time().setNextBlockTimestamp(end);
    await (await force(bad, good)).wait();
    await snapshot.restore();
    await time().setNextBlockTimestamp(end + 1);
    await refused(force(bad, good), "DisputeOutsideWindow");
  });
});

describe("Disputes.demandChunk, at its edges", () => {
  const [type] = program.state as [(typeof program.state)[0]];
  const words = honest.modelTensors()[0] as Words;
  const chunk = toHex(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  const proof = {
    ...NO_PROOF,
    root: honest.modelRoots()[0] as Hex,
    chunks: chunkTree(type, words).root,
    chunk,
  };
  const demand = ({ job, header, lists }: SubmittedJob, tensor = 0, place = 0) =>
    call(court.challenger, "demandChunk", job, header, lists, tensor, place);

  for (const challengeBond of [TOKEN, 0n]) {
    const fee = challengeBond / 50n;
    const price = fee === 0n ? "for nothing" : "for a fee";

    it(`is answered in the last second, ${price}`, async () => {
      court = await deployCourtHouse({ numbers: { challengeBond } });
      const job = await submit();
      const before = await free(court.provider);
      await (await demand(job)).wait();
      const until = (await time().latest()) + CLOCK;
      await time().setNextBlockTimestamp(until);
      await (await call(court.provider, "showChunk", 1, proof)).wait();
      assert.equal(await free(court.provider), before + fee);
      assert.equal(await stateOf(job), 3n);
    });

    it(`ends with the job where it is not answered, and others with it, ${price}`, async () => {
      court = await deployCourtHouse({ numbers: { challengeBond } });
      const job = await submit();
      const before = await free(court.challenger);
      for (let i = 0; i < 2; i++) await (await demand(job)).wait();
      await time().increase(CLOCK + 2);
      await (await call(court.requester, "timeoutDemand", 1, job.job)).wait();
      await (await call(court.requester, "closeDemand", 2)).wait();
      assert.equal(await free(court.challenger), before + TOKEN, "fees back, and the reward");
      assert.equal(await court.market.getFunction("lineOf")(await court.disputes.getAddress()), 0n);
    });
  }

  it("refuses what was not demanded, another record, and what is not the program's", async () => {
    court = await deployCourtHouse();
    const [job, other] = [await submit(), await submit()];
    await refused(call(court.provider, "showChunk", 1, proof), "DisputeDone");
    await refused(call(court.requester, "timeoutDemand", 1, job.job), "DisputeDone");
    await refused(call(court.requester, "closeDemand", 1), "DisputeDone");
    const header = `${job.header.slice(0, -2)}77` as Hex;
    await refused(demand({ ...job, header }), "DisputeMismatch");
    await refused(demand(job, 1), "DisputeNoSuchPlace");
    await refused(demand(job, 0, 1), "DisputeNoSuchPlace");
    await (await demand(job)).wait();
    await time().increase(CLOCK + 2);
    await refused(call(court.requester, "timeoutDemand", 1, other.job), "DisputeWrongJob");
    await (await call(court.requester, "timeoutDemand", 1, job.job)).wait();
    assert.deepEqual([await stateOf(job), await stateOf(other)], [5n, 3n]);
  });

  it("is open to the last second of the window", async () => {
    court = await deployCourtHouse();
    const job = await submit();
    const end = Number(job.job.progress["windowEnd"]);
    assert.equal(end - Number(job.job.progress["submittedAt"]), WINDOW);
    await time().setNextBlockTimestamp(end);
    await (await demand(job)).wait();
    await time().setNextBlockTimestamp(end + 1);
    await refused(demand(job), "DisputeOutsideWindow");
  });

  it("is answered by a chunk of that tensor under the model's root alone", async () => {
    court = await deployCourtHouse();
    const job = await submit();
    await (await demand(job)).wait();
    for (const changes of [
      { root: root("tensor") },
      { rootProof: [Array<Hex>(15).fill(root("beside"))] },
      { chunks: root("chunks") },
      { dtype: 1 },
      { rank: 1, dims: 2n << 96n },
      { rank: 1, dims: 0n },
      { chunk: "0x" },
      { chunk: `${chunk}00` },
      { chunk: "0x00000000" },
      { chunkProof: [Array<Hex>(15).fill(ZeroHash as Hex)] },
    ])
      await refused(
        call(court.provider, "showChunk", 1, { ...proof, ...changes }),
        "DisputeNotProven",
      );
    await (await call(court.provider, "showChunk", 1, proof)).wait();
  });
});

describe("Disputes.voidFaulty, at its edges", () => {
  it("refuses evidence that does not begin with what was signed, or ends before", async () => {
    court = await deployCourtHouse();
    const job = await submit();
    const signed = court.faults.interface.encodeFunctionData("isAtFault", [
      ...["programRoot", "dataRoot", "parentRoot", "steps", "interval"].map(
        (name) => job.job.terms[name],
      ),
      {
        place: 4,
        header: job.header,
        lists: job.lists,
        list: 0,
        index: 0,
        op: "0x",
        proof: [],
        sources: Array.from({ length: 6 }, () => ({ op: "0x", proof: [] })),
        tensor: 0,
        columnProof: [],
        dtype: 0,
        rank: 0,
        dims: 0n,
        chunks: ZeroHash,
      },
    ]);
    const evidence = `0x${signed.slice(10)}`;
    const send = (bytes: string) => call(court.requester, "voidFaulty", job.job, bytes);
    await refused(send("0x"), "DisputeNoFault");
    await refused(send(evidence.slice(0, 2 + 2 * (5 * 32 - 1))), "DisputeNoFault");
    await refused(send(evidence.replace("0x", "0x00")), "DisputeNoFault");
    await refused(send(evidence), "DisputeNoFault");
    assert.equal(await stateOf(job), 3n);
  });
});
