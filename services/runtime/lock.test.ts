import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { lockFolder } from "./lock.ts";

const REFUSAL = { code: "AGENT_ALREADY_RUNS", remedy: "Stop it first." };

test("a folder has one agent at a time; a dead one's lock is taken over", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "assay-lock-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "agent.lock");
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  t.after(() => other.kill("SIGKILL"));
  await writeFile(path, `${other.pid}\n`);
  await assert.rejects(lockFolder(path, REFUSAL), (error) =>
    isAssayError(error, "AGENT_ALREADY_RUNS"),
  );
  const gone = once(other, "exit");
  other.kill("SIGKILL");
  await gone;
  const unlock = await lockFolder(path, REFUSAL);
  await unlock();
  await (
    await lockFolder(path, REFUSAL)
  )();
});

test("a lock file that says nothing is taken over", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "assay-lock-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "agent.lock");
  await writeFile(path, "");
  await (
    await lockFolder(path, REFUSAL)
  )();
});

const lockIn = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "assay-lock-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "agent.lock");
};

test("regression: of many that find a dead lock at once, exactly one takes it, and leaves nothing else behind", async (t) => {
  const path = await lockIn(t);
  const folder = dirname(path);
  await writeFile(path, "");
  for (let round = 0; round < 100; round++) {
    const [last] = await readdir(folder);
    await writeFile(join(folder, last ?? ""), "4194305 gone\n");
    const all = await Promise.allSettled(
      Array.from({ length: 12 }, () => lockFolder(path, REFUSAL)),
    );
    const taken = all.filter((one) => one.status === "fulfilled");
    const codes = all.flatMap((one) =>
      one.status === "rejected" && isAssayError(one.reason) ? [one.reason.code] : [],
    );
    assert.equal(taken.length, 1, `round ${round}`);
    assert.deepEqual(codes, Array(11).fill("AGENT_ALREADY_RUNS"));
    assert.deepEqual(await readdir(folder), [`agent.lock.${round + 1}`]);
    await taken[0]?.value();
  }
});

test("a lock of a former version is followed, and refuses while its process runs", async (t) => {
  const path = await lockIn(t);
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  t.after(() => other.kill("SIGKILL"));
  await writeFile(path, `${other.pid}\n`);
  await assert.rejects(lockFolder(path, REFUSAL), (error) =>
    isAssayError(error, "AGENT_ALREADY_RUNS"),
  );
  await writeFile(`${path}.7`, "4194305 gone\n");
  const unlock = await lockFolder(path, REFUSAL);
  assert.deepEqual(await readdir(dirname(path)), ["agent.lock.8"]);
  await unlock();
  await unlock();
  await (
    await lockFolder(path, REFUSAL)
  )();
});

test(
  "a process that only has the number of a dead owner does not count as running",
  { skip: process.platform !== "linux" && "start times are read from /proc" },
  async (t) => {
    const path = await lockIn(t);
    const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    t.after(() => other.kill("SIGKILL"));
    await writeFile(path, `${other.pid} another-boot/1 id\n`);
    const unlock = await lockFolder(path, REFUSAL);
    // Its own number and start: held, even for a second agent in this process.
    await assert.rejects(lockFolder(path, REFUSAL), (error) =>
      isAssayError(error, "AGENT_ALREADY_RUNS"),
    );
    await unlock();
  },
);
