import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { fingerprint, staleParts } from "./generated.mjs";

describe("staleParts", () => {
  let root = "";
  before(() => {
    root = mkdtempSync(join(tmpdir(), "assay-setup-"));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const names = (): unknown[] => staleParts(root).map((part: { name: string }) => part.name);

  test("default: nothing to make without sources", () => {
    assert.deepEqual(names(), []);
  });

  test("behavior: contracts are stale until their stamp and output answer to them", () => {
    mkdirSync(join(root, "contracts"));
    writeFileSync(join(root, "contracts/A.sol"), "contract A {}");
    const [part] = staleParts(root);
    assert.equal(part?.name, "contracts");

    mkdirSync(join(root, ".build/stamps"), { recursive: true });
    mkdirSync(join(root, ".build/artifacts"));
    writeFileSync(part?.stamp ?? "", part?.hash ?? "");
    assert.deepEqual(names(), []);

    writeFileSync(join(root, "contracts/A.sol"), "contract B {}");
    assert.deepEqual(names(), ["contracts"]);
  });

  test("behavior: a renamed file changes the fingerprint", () => {
    const first = fingerprint(root, ["contracts"]);
    renameSync(join(root, "contracts/A.sol"), join(root, "contracts/B.sol"));
    assert.notEqual(fingerprint(root, ["contracts"]), first);
  });
});
