/** A requester's own faulty program or data makes the job void: money back, nobody slashed. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { type Interface, ZeroHash } from "ethers";
import { opLeaf } from "@assay/protocol/commitments/bindings";
import type { Hex } from "@assay/protocol/commitments/hash";
import type { Words } from "@assay/engine/backend";
import { encodeOp } from "@assay/engine/ir/encode";
import { LIMITS } from "@assay/engine/ir/limits";
import type { Op, OpList, Program } from "@assay/engine/ir/types";
import { nodeHasher } from "@assay/engine/trace/hasher";

import {
  BOND,
  type Court,
  TARGET,
  challenge,
  deployCourtHouse,
  submitRun,
} from "../../support/dispute/court.ts";
import { reasonOf } from "../../support/dispute/play.ts";
import { smallProgram, tunedProgram } from "../../support/dispute/programs.ts";
import { LISTS, Run, chunkTree, listTree, rootOf } from "../../support/dispute/run.ts";

const PLACE = { header: 0, op: 1, state: 2, data: 3, terms: 4, parent: 5 } as const;
const NO_OP = { op: "0x", proof: [] as Hex[][] };

describe("Disputes.voidFaulty", () => {
  let court: Court;
  beforeEach(async () => {
    court = await deployCourtHouse();
  });
  const { program, inputs } = smallProgram(4, 2);
  const honest = new Run(program, inputs);
  const [add] = program.step as [Op];

  /** A job for a program that the engine would refuse; its roots are those of an honest run of another. */
  async function jobOf(changes: Partial<Program>) {
    const faulty = Object.assign(new Run(program, inputs), { program: { ...program, ...changes } });
    return submitRun(court, faulty, honest, inputs.seed);
  }

  function evidence(
    job: Awaited<ReturnType<typeof jobOf>>,
    of: Program,
    place: number,
    changes: object = {},
    list: OpList = "step",
    index = 0,
  ): string {
    const tree = listTree(of[list].map((op, i) => opLeaf(nodeHasher, list, i, encodeOp(op))));
    const op = of[list][index];
    const shown = {
      place,
      header: job.header,
      lists: job.lists,
      list: LISTS.indexOf(list),
      index,
      op: op === undefined ? "0x" : encodeOp(op),
      proof: op === undefined ? [] : tree.proof(index),
      sources: Array.from({ length: 6 }, () => NO_OP),
      tensor: 0,
      columnProof: [],
      dtype: 0,
      rank: 0,
      dims: 0n,
      chunks: ZeroHash,
      ...changes,
    };
    const { programRoot, dataRoot, parentRoot, steps, interval } = job.job.terms;
    const abi: Interface = court.faults.interface;
    const words = [programRoot, dataRoot, parentRoot, steps, interval, shown];
    return `0x${abi.encodeFunctionData("isAtFault", words).slice(10)}`;
  }

  const voidFaulty = (job: Awaited<ReturnType<typeof jobOf>>, bytes: string) =>
    court.disputes.getFunction("voidFaulty")(job.job, bytes);
  const stateOf = (job: Awaited<ReturnType<typeof jobOf>>): Promise<bigint> =>
    court.market.getFunction("stateOf")(job.jobId);
  const isVoid = async (job: Awaited<ReturnType<typeof jobOf>>, bytes: string): Promise<void> => {
    await (await voidFaulty(job, bytes)).wait();
    assert.equal(await stateOf(job), 7n);
  };

  const faultyOps: readonly (readonly [string, Op])[] = [
    [
      "an op beyond the limit of elements",
      { ...add, out: { dtype: "f32", shape: [LIMITS.elements + 1] } },
    ],
    ["an opcode that is not in the table", { ...add, opcode: 0x3f }],
    ["an operand of another type", { ...add, opcode: 0x13 }],
    ["a state tensor that is not declared", withSource({ kind: "state", index: 9 })],
    ["a later op", withSource({ kind: "value", index: 0 })],
    [
      "an address outside its tensor without a guard",
      { ...add, operands: add.operands.map((x) => ({ ...x, offset: 3 })) },
    ],
  ];
  function withSource(source: Op["operands"][0]["source"]): Op {
    return { ...add, operands: add.operands.map((x) => ({ ...x, source })) };
  }

  for (const [what, op] of faultyOps) {
    it(`ends a job whose program has ${what}`, async () => {
      const changed = { ...program, step: [op] };
      const job = await jobOf(changed);
      await isVoid(job, evidence(job, changed, PLACE.op));
    });
  }

  it("ends a job whose header breaks a limit, and one whose state is declared otherwise than it is made", async () => {
    const bad = {
      ...program,
      data: Array.from({ length: LIMITS.dataTensors + 1 }, () => program.data[0]!),
    };
    const job = await submitRun(
      court,
      Object.assign(new Run(program, inputs), { program: bad }),
      Object.assign(new Run(program, inputs), {
        inputs: { ...inputs, data: bad.data.map(() => inputs.data[0]!) },
      }),
      inputs.seed,
    );
    await isVoid(job, evidence(job, bad, PLACE.header));

    const other = { ...program, state: program.state.map((t) => ({ ...t, shape: [1] })) };
    const second = await jobOf(other);
    await isVoid(second, evidence(second, other, PLACE.state, { tensor: 0 }));
  });

  it("ends a job whose data set is not what the program declares", async () => {
    const declared = { ...program, data: [{ ...program.data[0]!, shape: [4] }] };
    const job = await jobOf({});
    const second = await submitRun(
      court,
      Object.assign(new Run(program, inputs), { program: declared }),
      Object.assign(new Run(program, inputs), {
        rootOf: () => rootOf(program.data[0]!, inputs.data[0]!),
      }),
      inputs.seed,
    );
    const type = program.data[0]!;
    const column = {
      rank: 1,
      dims: 3n << 96n,
      chunks: chunkTree(type, inputs.data[0]!).root,
    };
    await isVoid(second, evidence(second, declared, PLACE.data, column));
    const right = voidFaulty(job, evidence(job, program, PLACE.data, column));
    await assert.rejects(right, (error) => reasonOf(court, error) === "DisputeNoFault");
  });

  it("ends a job whose header has other steps or another interval than its request", async () => {
    for (const changes of [{ steps: 3 }, { interval: 3 }]) {
      const request = { steps: program.steps, interval: program.interval };
      const changed = { ...program, ...changes };
      const run = Object.assign(new Run(program, inputs), { program: changed });
      const job = await submitRun(court, run, honest, inputs.seed, { request });
      await isVoid(job, evidence(job, changed, PLACE.terms));
    }
    const job = await jobOf({});
    const right = voidFaulty(job, evidence(job, program, PLACE.terms));
    await assert.rejects(right, (error) => reasonOf(court, error) === "DisputeNoFault");
  });

  it("ends a job whose parent is not what the program declares", async () => {
    const { program: tuned, inputs: own } = tunedProgram();
    const declared = { ...tuned, parent: [{ ...tuned.parent[0]!, shape: [1] }] };
    const run = new Run(tuned, own);
    const job = await submitRun(court, run, run, own.seed);
    const shown = Object.assign(new Run(tuned, own), { program: declared });
    const honestRoots = Object.assign(new Run(tuned, own), {
      rootOf: (_: unknown, words: Words) =>
        rootOf(words === own.parent[0] ? tuned.parent[0]! : tuned.data[0]!, words),
    });
    const second = await submitRun(court, shown, honestRoots, own.seed);
    const parent = { chunks: chunkTree(tuned.parent[0]!, own.parent[0]!).root };
    await isVoid(second, evidence(second, declared, PLACE.parent, parent));
    const right = voidFaulty(job, evidence(job, tuned, PLACE.parent, parent));
    await assert.rejects(right, (error) => reasonOf(court, error) === "DisputeNoFault");
  });

  it("refuses where there is no fault, and evidence about another program", async () => {
    const job = await jobOf({});
    for (const place of [PLACE.header, PLACE.op, PLACE.state]) {
      const sent = voidFaulty(job, evidence(job, program, place));
      await assert.rejects(sent, (error) => reasonOf(court, error) === "DisputeNoFault");
    }
    const changed = { ...program, step: [{ ...add, opcode: 0x3f }] };
    const other = await jobOf(changed);
    await assert.rejects(voidFaulty(job, evidence(other, changed, PLACE.op)));
    const swapped = evidence(job, program, PLACE.op, { op: encodeOp(changed.step[0]!) });
    await assert.rejects(voidFaulty(job, swapped));
    assert.equal(await stateOf(job), 3n);
  });

  it("gives escrow and collateral back, and the bonds of live games", async () => {
    const changed = { ...program, step: [{ ...add, opcode: 0x3f }] };
    const free = (who: { address: string }): Promise<bigint> =>
      court.market.getFunction("freeBalance")(who.address);
    const [requester, challenger] = [await free(court.requester), await free(court.challenger)];
    const job = await jobOf(changed);
    const game = await challenge(court, job, TARGET.checkpoint);
    assert.equal(await free(court.challenger), challenger - BOND);
    await isVoid(job, evidence(job, changed, PLACE.op));
    await (await court.disputes.getFunction("withdrawBond")(game.id, game.position)).wait();
    assert.equal(await free(court.challenger), challenger);
    assert.equal(await free(court.requester), requester);
  });
});
