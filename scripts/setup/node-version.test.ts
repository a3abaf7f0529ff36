import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
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

// A shell remembers where it found `node`; `env` looks again, and finds the one that set-up has just installed.
test("every command of package.json runs the Node that its set-up installs", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "assay-setup-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [installed, before] = [join(folder, "installed"), join(folder, "before")];
  mkdirSync(installed);
  mkdirSync(before);
  const put = (path: string, text: string): void => {
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  };
  const later = `printf '#!/bin/sh\\necho installed' > ${installed}/node; chmod +x ${installed}/node`;
  put(join(before, "node"), `case "$1" in *setup.mjs) ${later};; *) echo before;; esac`);
  const root = join(import.meta.dirname, "../..");
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  for (const [name, command] of Object.entries(scripts).filter(([, text]) => / && /.test(text))) {
    rmSync(join(installed, "node"), { force: true });
    const PATH = [installed, before, "/usr/bin", "/bin"].join(delimiter);
    const { stdout } = spawnSync("/bin/sh", ["-c", command], { env: { PATH }, encoding: "utf8" });
    assert.match(stdout, /^(installed\n?)+$/, name);
  }
});
