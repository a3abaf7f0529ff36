import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import type { Deployment } from "@assay/protocol/wire/api";
import { getAddress } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { deploymentCopy, keepDeployment } from "./deployment-copy.ts";
import { accountFrom } from "./key-file.ts";

const folderFor = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "assay-files-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

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

test("a deployment's copy is read back whole; a damaged or missing one is as good as none", async (t) => {
  const folder = await folderFor(t);
  const path = join(folder, "deployment.json");
  assert.equal(await deploymentCopy(path), undefined);
  await keepDeployment(path, { ...deployment, startBlock: 1 });
  assert.deepEqual(await keepDeployment(path, deployment), deployment);
  assert.deepEqual(await deploymentCopy(path), deployment);
  assert.deepEqual(await readdir(folder), ["deployment.json"]);
  if (process.platform !== "win32") assert.equal((await stat(path)).mode & 0o777, 0o600);
  for (const damaged of ["", "{", '{"chainId":1}']) {
    await writeFile(path, damaged);
    assert.equal(await deploymentCopy(path), undefined);
  }
});

test("a key file holds one key, and its text is never part of an error", async (t) => {
  const path = join(await folderFor(t), "key");
  const key = generatePrivateKey();
  await writeFile(path, ` ${key}\n`);
  assert.equal((await accountFrom(path, "ASSAY_TEST")).address, privateKeyToAccount(key).address);
  for (const wrong of ["", key.slice(2), key.slice(0, -1), `${key}00`, `${key.slice(0, -1)}g`]) {
    await writeFile(path, wrong);
    await assert.rejects(accountFrom(path, "ASSAY_TEST"), (error) => {
      assert.ok(isAssayError(error, "KEY_FILE_INVALID"));
      assert.ok(wrong === "" || !JSON.stringify([error, error.message]).includes(wrong));
      return true;
    });
  }
  await assert.rejects(
    accountFrom(`${path}.other`, "ASSAY_TEST"),
    (error) => isAssayError(error, "KEY_FILE_UNREADABLE") && error.remedy?.includes("ASSAY_TEST"),
  );
});
