import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { missingPackages } from "./dependencies.mjs";

const LINUX = { platform: "linux", arch: "x64", musl: false };
const at = (version: string, more: object = {}): object => ({ version, ...more });
const missing = (locked: object, installed: object, machine = LINUX): unknown =>
  missingPackages(locked, installed, machine);

describe("missingPackages", () => {
  test("default: nothing is missing when versions agree", () => {
    const packages = { "": {}, "services/a": {}, "node_modules/a": at("1.0.0") };
    assert.deepEqual(missing(packages, packages), []);
  });

  test("behavior: another version is missing", () => {
    assert.deepEqual(
      missing({ "node_modules/a": at("1.0.1") }, { "node_modules/a": at("1.0.0") }),
      ["a"],
    );
  });

  test("behavior: an optional binary for this platform is missing, one for another is not", () => {
    const locked = {
      "node_modules/edr-linux": at("1.0.0", { optional: true, os: ["linux"], libc: ["glibc"] }),
      "node_modules/edr-musl": at("1.0.0", { optional: true, os: ["linux"], libc: ["musl"] }),
      "node_modules/edr-mac": at("1.0.0", { optional: true, os: ["darwin"] }),
      "node_modules/maybe": at("1.0.0", { optional: true }),
    };
    assert.deepEqual(missing(locked, {}), ["edr-linux"]);
    assert.deepEqual(missing(locked, {}, { ...LINUX, musl: true }), ["edr-musl"]);
  });
});
