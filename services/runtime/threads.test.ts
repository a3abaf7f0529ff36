import assert from "node:assert/strict";
import { test } from "node:test";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { ranOutOfHeap, runThread, threadFailure } from "./threads.ts";

/** A thread with this text. */
const thread = (text: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort as port, resourceLimits, workerData } from "node:worker_threads";
      ${text}`)}`,
  );

interface Said {
  readonly kind: "said";
  readonly value: unknown;
}

const run = (text: string, change: { give?: Uint8Array[]; signal?: AbortSignal } = {}) =>
  runThread<Said, string, unknown>({
    script: thread(text),
    workerData: change.give ?? [],
    give: change.give ?? [],
    signal: change.signal ?? new AbortController().signal,
    listen: (message, reply) => {
      if (message.kind === "failed") return undefined;
      if (message.value !== "ask") return { value: message.value };
      reply("answer");
      return undefined;
    },
    stopped: (cause) => new AssayError("TEST_STOPPED", "stopped", { cause }),
    crashed: (cause) => new AssayError("TEST_CRASHED", cause.message, { cause }),
  });

test("a thread has no environment, no arguments, an empty standard input, a bounded heap, and its output goes nowhere", async () => {
  process.env["ASSAY_TEST_SECRET"] = "secret";
  try {
    const seen = await run(`
      console.log("not on the parent's output");
      let input = "";
      for await (const chunk of process.stdin) input += chunk;
      const { maxOldGenerationSizeMb: heap } = resourceLimits;
      port.postMessage({ kind: "said", value: { env: process.env, argv: process.argv.slice(2), input, heap } });`);
    assert.deepEqual(seen, { env: {}, argv: [], input: "", heap: 1_024 });
  } finally {
    delete process.env["ASSAY_TEST_SECRET"];
  }
});

test("a thread is heard until its last word and given what is given away", async () => {
  const give = new Uint8Array([1, 2, 3]);
  const text = `
    port.once("message", (word) => port.postMessage({ kind: "said", value: [word, workerData[0][2]] }));
    port.postMessage({ kind: "said", value: "ask" });`;
  assert.deepEqual(await run(text, { give: [give] }), ["answer", 3]);
  assert.equal(give.byteLength, 0);
});

test("a thread's failure keeps code and retryability; what nobody foresaw may be tried again", async () => {
  const coded = new AssayError("TEST_CODE", "it failed");
  assert.deepEqual(threadFailure(coded, "TEST_UNFORESEEN"), {
    kind: "failed",
    code: "TEST_CODE",
    message: "it failed",
    retryable: false,
  });
  const other = threadFailure(new TypeError("a mistake"), "TEST_UNFORESEEN");
  assert.deepEqual([other.code, other.retryable], ["TEST_UNFORESEEN", true]);
  await assert.rejects(
    run(`port.postMessage(${JSON.stringify(other)})`),
    (error) => isAssayError(error, "TEST_UNFORESEEN") && error.retryable,
  );
});

test("a thread that ends or throws without a last word has crashed", async () => {
  for (const text of ["process.exit(3)", 'throw new Error("inside")', ""])
    await assert.rejects(run(text), (error) => isAssayError(error, "TEST_CRASHED"), text);
});

test("the signal kills a thread in the middle of a loop, and one that has not begun", async () => {
  const abort = new AbortController();
  const endless = run("for (;;);", { signal: abort.signal });
  setImmediate(() => abort.abort("enough"));
  const stopped = (error: unknown) =>
    isAssayError(error, "TEST_STOPPED") && error.cause === "enough";
  await assert.rejects(endless, stopped);
  await assert.rejects(run("", { signal: abort.signal }), stopped);
});

test("a heap that was full is told from another end", () => {
  assert.ok(ranOutOfHeap(Object.assign(new Error("full"), { code: "ERR_WORKER_OUT_OF_MEMORY" })));
  assert.ok(!ranOutOfHeap(new Error("another")));
});
