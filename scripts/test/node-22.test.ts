import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import type { PresetBits } from "@assay/engine/testing/preset-bits";
import { installOtherNode, lacksOtherNode, otherNode } from "../setup/other-node.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SCRIPT = "services/engine/testing/preset-bits.ts";

const bitsUnder = async (node: string): Promise<PresetBits> => {
  const { stdout } = await promisify(execFile)(node, [SCRIPT], { cwd: root });
  return JSON.parse(stdout) as PresetBits;
};

const here = process.platform === "linux" && process.arch === "x64";

test(
  "every preset has the same bits under Node 22 and under this one, on every back end",
  { skip: here ? false : "npm has the binary of Node 22 for Linux on x64 only" },
  async () => {
    if (lacksOtherNode(root)) await installOtherNode(root);
    const [other, own] = [await bitsUnder(otherNode(root)), await bitsUnder(process.execPath)];
    assert.match(other.version, /^v22\./);
    assert.equal(own.version, process.version);
    assert.deepEqual(other.hashes, own.hashes);
    assert.ok(Object.keys(own.hashes).length >= 4);
    for (const [preset, hashes] of Object.entries(own.hashes)) {
      assert.ok(Object.keys(hashes).length >= 5, preset);
      assert.equal(new Set(Object.values(hashes)).size, 1, `${preset}: ${JSON.stringify(hashes)}`);
    }
  },
);
