import assert from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";

const PROCESS = new URL("process.ts", import.meta.url).href;
const ERRORS = import.meta.resolve("@assay/protocol/errors");

/** A process that runs a service; `stop` of the service says so and ends it unless it hangs. */
const startService = async (t: TestContext, start: string): Promise<ChildProcess> => {
  const folder = await mkdtemp(join(tmpdir(), "assay-process-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const script = join(folder, "service.mjs");
  await writeFile(
    script,
    `import { runProcess } from ${JSON.stringify(PROCESS)};
     import { AssayError } from ${JSON.stringify(ERRORS)};
     const ended = Promise.withResolvers();
     const say = (word) => console.log(JSON.stringify({ word }));
     const service = { name: "one", finished: ended.promise, stop: async () => { say("stopping"); ended.resolve(); } };
     setInterval(() => undefined, 60_000);
     await runProcess({
       start: async () => { ${start} },
       ready: ({ name }) => ({ name }),
       unexpected: "TEST_UNEXPECTED",
       signals: { SIGUSR1: () => say("told") },
     });`,
  );
  const child = fork(script, { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  t.after(() => child.kill("SIGKILL"));
  return child;
};

const linesOf = (child: ChildProcess) => {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return async (): Promise<unknown> => JSON.parse(String((await lines.next()).value)) as unknown;
};

const exitOf = async (child: ChildProcess): Promise<unknown> => {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
};

test("a process says that it is ready, does what a signal of its own says, and ends in order at SIGTERM", async (t) => {
  const child = await startService(t, "return service;");
  const next = linesOf(child);
  assert.deepEqual(await next(), { ready: true, name: "one" });
  child.kill("SIGUSR1");
  assert.deepEqual(await next(), { word: "told" });
  const exit = exitOf(child);
  child.kill("SIGTERM");
  assert.deepEqual(await next(), { word: "stopping" });
  assert.equal(await exit, 0);
});

test("a second signal ends a process that does not end", async (t) => {
  const child = await startService(t, "return { ...service, stop: async () => say('hanging') };");
  const next = linesOf(child);
  await next();
  const exit = exitOf(child);
  child.kill("SIGINT");
  assert.deepEqual(await next(), { word: "hanging" });
  child.kill("SIGINT");
  assert.equal(await exit, 130);
});

test("a process ends when the one that started it is gone", async (t) => {
  const child = await startService(t, "return service;");
  const next = linesOf(child);
  await next();
  const exit = exitOf(child);
  child.disconnect();
  assert.deepEqual(await next(), { word: "stopping" });
  assert.equal(await exit, 0);
});

test("a process that cannot start says code and remedy; 2 asks for a person, 1 does not", async (t) => {
  const failures = [
    ['throw new AssayError("TEST_CODE", "no", { remedy: "do" });', "TEST_CODE", "do", 2],
    ['throw new AssayError("TEST_CODE", "no", { retryable: true });', "TEST_CODE", undefined, 1],
    ['throw new Error("no");', "TEST_UNEXPECTED", undefined, 1],
    ['ended.reject(new AssayError("TEST_LATE", "no")); return service;', "TEST_LATE", undefined, 2],
  ] as const;
  for (const [start, code, remedy, status] of failures) {
    const child = await startService(t, start);
    const next = linesOf(child);
    const exit = exitOf(child);
    if (code === "TEST_LATE") assert.deepEqual(await next(), { ready: true, name: "one" });
    const rest = remedy === undefined ? {} : { remedy };
    assert.deepEqual(await next(), { ready: false, code, message: "no", ...rest });
    assert.equal(await exit, status);
  }
});
