/** What a person meets at the command line before there is a market: help, and errors that say what to type next. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Hex } from "viem";
import {
  commandLine,
  EXIT,
  refusedWith,
  temporaryFolder,
  type CommandLine,
} from "../support/commands.ts";

describe("without a market", () => {
  let assay: CommandLine;
  let remove: () => void;
  before(() => {
    const { folder, remove: end } = temporaryFolder("cli");
    [assay, remove] = [commandLine(folder), end];
  });
  after(() => remove());

  /** Commands and their subcommands, as the help lists them. */
  const listed = (help: string): string[] =>
    (/^Commands:\n((?: .*\n)*)/m.exec(help)?.[1] ?? "")
      .split("\n")
      .map((line) => /^ {2}([a-z-]+)/.exec(line)?.[1])
      .filter((name) => name !== undefined && name !== "help") as string[];

  test("every command has a description and an example that starts with its name", async () => {
    const seen: string[] = [];
    const visit = async (path: readonly string[]): Promise<void> => {
      const { code, stdout } = await assay.run(...path, "--help");
      const name = ["assay", ...path].join(" ");
      assert.equal(code, 0, name);
      const example = stdout.split("Example:")[1] ?? "";
      assert.match(example, new RegExp(`^ {2}${name}\\b`, "m"), `${name} has an example of itself`);
      assert.match(stdout, /^\S.*\S$/m);
      seen.push(name);
      await Promise.all(listed(stdout).map((command) => visit([...path, command])));
    };
    await visit([]);
    for (const command of ["up", "doctor", "jobs watch", "provider start", "verify"])
      assert.ok(seen.includes(`assay ${command}`), `${command} is in the help`);
  });

  test("a wrong call is one coded object with --json, two lines without, exit code 2", async () => {
    const wrong: [code: string, ...args: string[]][] = [
      ["USAGE_UNKNOWN_COMMAND", "pubish"],
      ["USAGE_UNKNOWN_OPTION", "quote", "job.yaml", "--fast"],
      ["USAGE_MISSING_ARGUMENT", "quote"],
      ["USAGE_EXCESS_ARGUMENTS", "down", "now"],
      ["USAGE_HELP"],
    ];
    await Promise.all(
      wrong.map(async ([code, ...args]) =>
        refusedWith(await assay.tryJson(...args), code, EXIT.usage),
      ),
    );
    const { code, stdout, stderr } = await assay.run("quote");
    assert.equal(code, EXIT.usage);
    assert.equal(stdout, "");
    assert.match(stderr, /✗ missing required argument 'file' \[USAGE_MISSING_ARGUMENT\]\n +next: /);
  });

  test("commands that need a market say how to get one", async () => {
    await Promise.all(
      [["quote", "job.yaml"], ["run", "job.yaml"], ["jobs"], ["provider", "status"]].map(
        async (args) => {
          const error = refusedWith(await assay.tryJson(...args), "USAGE_NO_NETWORK", EXIT.usage);
          assert.match(error.remedy ?? "", /assay up/);
        },
      ),
    );
    const nobody = ["provenance", `0x${"0".repeat(64)}`, "--rpc", "http://127.0.0.1:9"];
    refusedWith(await assay.tryJson(...nobody), "CHAIN_UNREACHABLE", EXIT.failure);
  });

  test("`down` without a market is content; `doctor` says what to type", async () => {
    assert.deepEqual(await assay.json("down"), { stopped: false });
    const doctor = await assay.tryJson<{ findings: { part: string; ok: boolean; fix: string }[] }>(
      "doctor",
    );
    assert.equal(doctor.code, EXIT.checkFailed);
    const wrong = doctor.result.findings.filter(({ ok }) => !ok);
    assert.deepEqual(wrong, [{ ...wrong[0], part: "market", ok: false, fix: "assay up" }]);
  });

  test("data of one's own is imported, and a job on it estimated", async () => {
    const rows = Array.from(
      { length: 60 },
      (_, k) => `${k % 7},${k % 5},${k % 2 ? "odd" : "even"}`,
    );
    writeFileSync(join(assay.home, "rows.csv"), `a,b,kind\n${rows.join("\n")}\n`);
    const flags = ["--label", "kind", "--licence", "CC0-1.0", "--out", "rows.safetensors"];
    const manifest = await assay.json<{ dataRoot: Hex; cid: string; classes: string[] }>(
      "data",
      "import",
      "rows.csv",
      ...flags,
    );
    assert.match(manifest.dataRoot, /^0x[0-9a-f]{64}$/);
    assert.match(manifest.cid, /^bafybei/);
    assert.deepEqual(manifest.classes, ["even", "odd"]);
    const written = JSON.parse(
      readFileSync(join(assay.home, "rows.manifest.json"), "utf8"),
    ) as object;
    assert.deepEqual(written, manifest);
    const again = await assay.tryJson("data", "import", "rows.csv", ...flags);
    refusedWith(again, "USAGE_FILE_EXISTS", EXIT.usage);
    const unlabelled = await assay.tryJson("data", "import", "rows.csv", "--out", "b.safetensors");
    refusedWith(unlabelled, "USAGE_MISSING_OPTION", EXIT.usage);

    const { jobFile } = await assay.json<{ jobFile: string }>("init", "rows");
    const job = readFileSync(join(assay.home, jobFile), "utf8");
    const changed = job.replace(/^data: .*$/m, "data: ../rows.safetensors");
    writeFileSync(join(assay.home, jobFile), changed);
    const estimate = await assay.json<{ units: string; checkpoints: number; totalSeconds: number }>(
      "estimate",
      jobFile,
    );
    assert.ok(BigInt(estimate.units) > 0n && estimate.totalSeconds > 0);
  });

  test("`init` writes files once", async () => {
    const written = await assay.json<{ jobFile: string; dataFile: string }>("init", "mine");
    for (const file of Object.values(written)) assert.ok(existsSync(join(assay.home, file)));
    refusedWith(await assay.tryJson("init", "mine"), "USAGE_FILE_EXISTS", EXIT.usage);
  });
});
