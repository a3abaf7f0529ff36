import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { Deployment } from "@assay/protocol/wire/api";
import { getAddress } from "viem";
import { knownDeployment } from "./deployment.ts";

const address = getAddress(`0x${"a1".repeat(20)}`);
const deployment: Deployment = {
  chainId: 31337,
  startBlock: 0,
  contracts: {
    market: address,
    staking: address,
    reputation: address,
    provenance: address,
    parameters: address,
    disputes: address,
    token: address,
  },
  token: { symbol: "T", decimals: 6 },
};
const moved: Deployment = { ...deployment, startBlock: 7 };
const says = (what: Deployment) => () => Promise.resolve(what);
const fails = (code: string, retryable: boolean) => () =>
  Promise.reject<Deployment>(new AssayError(code, "no", { retryable }));
const down = fails("API_UNREACHABLE", true);

const pathIn = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "assay-deployment-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "deployment.json");
};

test("an agent with open jobs starts on its copy of the deployment while the market is down", async (t) => {
  const path = await pathIn(t);
  await knownDeployment({ path, bound: false, ask: down, insist: says(deployment) });
  const parts = { path, bound: true, insist: down };
  assert.deepEqual(await knownDeployment({ ...parts, ask: down }), deployment);
  // What the market says last is what is kept.
  assert.deepEqual(await knownDeployment({ ...parts, ask: says(moved) }), moved);
  assert.deepEqual(await knownDeployment({ ...parts, ask: down }), moved);
});

test("a copy is not used by an agent without open jobs, nor against a market that names other contracts", async (t) => {
  const path = await pathIn(t);
  await knownDeployment({ path, bound: false, ask: down, insist: says(deployment) });
  await assert.rejects(knownDeployment({ path, bound: false, ask: down, insist: down }), (error) =>
    isAssayError(error, "API_UNREACHABLE"),
  );
  await assert.rejects(
    knownDeployment({ path, bound: true, ask: fails("DEPLOYMENT_MISMATCH", false), insist: down }),
    (error) => isAssayError(error, "DEPLOYMENT_MISMATCH"),
  );
});

test("a damaged copy is as good as none", async (t) => {
  const path = await pathIn(t);
  await writeFile(path, "{");
  assert.deepEqual(
    await knownDeployment({ path, bound: true, ask: down, insist: says(deployment) }),
    deployment,
  );
});
