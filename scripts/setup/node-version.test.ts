import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { installMethod } from "./node-version.mjs";

const method = (version: string, platform = "linux", arch = "x64"): unknown =>
  installMethod(version, platform, arch);

describe("installMethod", () => {
  test("default: npm as it is from Node 22.13 on", () => {
    assert.equal(method("v24.21.0"), "direct");
    assert.equal(method("v22.13.0"), "direct");
  });

  test("behavior: older Node on Linux installs through the Node of the lockfile", () => {
    assert.equal(method("v20.20.2"), "npx");
    assert.equal(method("v22.12.0"), "npx");
  });

  test("behavior: too old a Node is refused with a code and a remedy", () => {
    const expected = { code: "SETUP_NODE_TOO_OLD", remedy: /install Node 24/ };
    assert.throws(() => method("v18.19.0"), expected);
    assert.throws(() => method("v20.20.2", "darwin", "arm64"), expected);
  });

  test("behavior: elsewhere a Node that runs TypeScript is taken as it is", () => {
    assert.equal(method("v22.18.0", "darwin", "arm64"), "direct");
  });
});
