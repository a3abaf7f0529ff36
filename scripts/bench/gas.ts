/** Gas of each step and of a job's life, alone and in a batch of 32, against the budgets. `--json`: figures on the last line. */
import type { ContractTransactionResponse } from "ethers";

import {
  TOKEN,
  connect,
  deployFixture,
  follow,
  fund,
  fundAndStake,
  pairOf,
  signSubmission,
  submissionOf,
  type Fixture,
} from "../../test/contracts/support/market.ts";
import { type Beside, createFigures } from "./figures.ts";

const BATCH = 32;
const gasOf = async (sent: Promise<ContractTransactionResponse>): Promise<bigint> => {
  const receipt = await (await sent).wait();
  return receipt?.gasUsed ?? 0n;
};

async function life(fixture: Fixture, nonce: bigint, changes: object = {}) {
  const { market, provider } = fixture;
  const pair = await pairOf(fixture, { nonce, ...changes });
  const agreeTx = await market.getFunction("agree")(
    pair.request,
    pair.requestSignature,
    pair.acceptance,
    pair.acceptanceSignature,
  );
  const agreed = await agreeTx.wait();
  const [job] = follow(agreed);
  const submission = submissionOf(String(job?.terms["jobId"]));
  const submitTx = await connect(market, provider).getFunction("submit")(job, submission);
  const submitted = await submitTx.wait();
  await fixture.connection.networkHelpers.time.increase(10);
  const [done] = follow(submitted, job === undefined ? [] : [job]);
  const settle = await gasOf(market.getFunction("settle")(done));
  return { agree: agreed.gasUsed, submit: submitted.gasUsed, settle, submission, done };
}

async function batch(fixture: Fixture, first: bigint) {
  const { market } = fixture;
  const pairs = [];
  for (let i = 0n; i < BATCH; i += 1n) pairs.push(await pairOf(fixture, { nonce: first + i }));
  const agreed = await (
    await market.getFunction("agreeBatch")(pairs, { gasLimit: 29_000_000 })
  ).wait();
  const jobs = follow(agreed);
  const submissions = jobs.map(({ terms }) => submissionOf(String(terms["jobId"])));
  const signatures = await Promise.all(submissions.map((s) => signSubmission(fixture, s)));
  const submitted = await (
    await market.getFunction("submitBatch")(jobs, submissions, signatures)
  ).wait();
  await fixture.connection.networkHelpers.time.increase(10);
  const settled = await (
    await market.getFunction("settleBatch")(follow(submitted, jobs), { gasLimit: 29_000_000 })
  ).wait();
  const states = await Promise.all(
    jobs.map(({ terms }) => market.getFunction("stateOf")(terms["jobId"])),
  );
  if (jobs.length !== BATCH || states.some((state) => state !== 4n)) {
    throw new Error("not every job of the batch was settled");
  }
  return { agree: agreed.gasUsed, submit: submitted.gasUsed, settle: settled.gasUsed };
}

const fixture = await deployFixture();
// Warm-up jobs first make every balance and standing non-zero, as they are in a market that runs.
await fund(fixture, fixture.requester, 10_000n * TOKEN);
await fundAndStake(fixture, 10_000n * TOKEN);
await life(fixture, 1n);
const alone = await life(fixture, 2n);
// A fine-tuned result that equals its parent leaves no record: the difference is what the record costs.
const parent = alone.submission.modelRoot;
const other = await lifeWithoutRecord(fixture, parent);
const many = await batch(fixture, 1_000n);

/** Settles a job whose result is its own parent. */
async function lifeWithoutRecord(on: Fixture, parentRoot: string) {
  const { market, provider } = on;
  const pair = await pairOf(on, { nonce: 3n, parentRoot: parentRoot as `0x${string}` });
  const agreed = await (
    await market.getFunction("agree")(
      pair.request,
      pair.requestSignature,
      pair.acceptance,
      pair.acceptanceSignature,
    )
  ).wait();
  const jobs = follow(agreed);
  const submission = { ...submissionOf(String(jobs[0]?.terms["jobId"])), modelRoot: parentRoot };
  const submitted = await (
    await connect(market, provider).getFunction("submit")(jobs[0], submission)
  ).wait();
  await on.connection.networkHelpers.time.increase(10);
  return gasOf(market.getFunction("settle")(follow(submitted, jobs)[0]));
}

const { note, finish } = createFigures();
const within = (budget: number): Beside => ({ baseline: budget, goal: { most: 1 } });
const total = (used: readonly bigint[]): number => Number(used.reduce((sum, one) => sum + one, 0n));
const gas = (name: string, used: readonly bigint[], beside?: Beside): void =>
  note(name, total(used), "gas", beside);
const shared = (name: string, used: readonly bigint[], beside?: Beside): void =>
  note(name, Math.round(total(used) / BATCH), "gas", beside);

gas("agree", [alone.agree]);
gas("submit", [alone.submit]);
gas("settle", [alone.settle]);
gas("provenance record", [alone.settle - other], within(140_000));
gas("job alone", [alone.agree, alone.submit, alone.settle], within(350_000));
shared("agree in a batch of 32", [many.agree]);
shared("submit in a batch of 32", [many.submit]);
shared("settle in a batch of 32", [many.settle]);
shared("job in a batch of 32", [many.agree, many.submit, many.settle], within(240_000));
await fixture.connection.close();
finish();
