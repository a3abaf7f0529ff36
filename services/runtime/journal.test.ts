import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync } from "node:fs";
import fsPromises, {
  appendFile,
  mkdtemp,
  readFile,
  rm,
  stat,
  writeFile,
  type FileHandle,
} from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { z } from "zod";
import { openJournal, type Journal } from "./journal.ts";

const eventSchema = z.strictObject({ at: z.int(), place: z.int(), filling: z.string() });
type Event = z.output<typeof eventSchema>;

/** As many of the latest events as are still needed here. */
const KEPT = 3;
const LIMIT = 1_024;
const FILLING = "x".repeat(80);

const openSmall = (
  path: string,
  onCompacted: (events: readonly Event[]) => void = () => undefined,
): Promise<Journal<Event>> =>
  openJournal<Event>(path, {
    event: eventSchema,
    loss: "nothing",
    compaction: { aboveBytes: LIMIT, keep: (events) => events.slice(-KEPT), onCompacted },
  });
const places = (events: readonly Event[]): number[] => events.map(({ place }) => place);

const folderFor = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "assay-journal-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

/** What must be in a file whose writer was told that events up to `last` are on disk. */
const requireWhole = (found: readonly number[], last: number, when: string): void => {
  const end = found.at(-1) ?? 0;
  // An event whose writer was not told yet may be there or not.
  assert.ok(end === last || end === last + 1, `${end} of ${last} ${when}`);
  const begin = found[0] ?? 1;
  assert.deepEqual(
    found,
    Array.from({ length: found.length }, (_, i) => begin + i),
    when,
  );
  assert.ok(found.length >= Math.min(end, KEPT), `${found.length} left ${when}`);
};

test("a journal that grows is written anew, and never loses what is needed", async (t) => {
  const path = join(await folderFor(t), "journal.jsonl");
  const compacted: number[][] = [];
  const journal = await openSmall(path, (events) => compacted.push(places(events)));
  let largest = 0;
  for (let place = 1; place <= 60; place++) {
    await journal.append({ place, filling: FILLING });
    largest = Math.max(largest, (await stat(path)).size);
  }
  await journal.close();
  assert.ok(compacted.length > 3, `${compacted.length} times`);
  for (const left of compacted) assert.equal(left.length, KEPT);
  assert.ok(largest < 2 * LIMIT, `${largest} bytes`);
  const again = await openSmall(path);
  requireWhole(places(again.history), 60, "at the end");
  await again.close();
});

test("a journal that has become large without it is written anew when it is opened", async (t) => {
  const path = join(await folderFor(t), "journal.jsonl");
  const old = await openJournal<Event>(path, { event: eventSchema, loss: "nothing" });
  for (let place = 1; place <= 40; place++) await old.append({ place, filling: FILLING });
  await old.close();
  // Torn by a crash, and a crash in the midst of an earlier attempt.
  await appendFile(path, '{"at":1,"pla');
  await writeFile(`${path}.part`, "half a li");
  const journal = await openSmall(path);
  assert.deepEqual(places(journal.history), [38, 39, 40]);
  assert.ok((await stat(path)).size < LIMIT);
  await journal.append({ place: 41, filling: "" });
  await journal.close();
  const again = await openSmall(path);
  assert.deepEqual(places(again.history), [38, 39, 40, 41]);
  await again.close();
});

test("where it cannot be written anew the old file goes on", async (t) => {
  const folder = await folderFor(t);
  const path = join(folder, "journal.jsonl");
  const refuse = t.mock.method(fsPromises, "rename", () =>
    Promise.reject(Object.assign(new Error("no room"), { code: "ENOSPC" })),
  );
  syncBuiltinESMExports();
  t.after(() => {
    refuse.mock.restore();
    syncBuiltinESMExports();
  });
  const journal = await openSmall(path, () => assert.fail("nothing was compacted"));
  for (let place = 1; place <= 40; place++) await journal.append({ place, filling: FILLING });
  await journal.close();
  assert.ok(refuse.mock.callCount() > 0);
  const text = await readFile(path, "utf8");
  assert.equal(text.split("\n").length - 1, 40);
});

test("a process that ends at any step of it leaves a journal with everything that counts", async (t) => {
  const folder = join(await folderFor(t), "state");
  const path = join(folder, "journal.jsonl");
  const ends: { readonly copy: string; readonly acknowledged: number; readonly step: string }[] =
    [];
  let acknowledged = 0;
  let watching = false;
  /** As the disk would be found if the process ended here. */
  const end = (step: string): void => {
    if (!watching) return;
    const copy = `${folder}-${ends.length}`;
    cpSync(folder, copy, { recursive: true });
    ends.push({ copy, acknowledged, step });
  };
  const { open, rename, truncate } = fsPromises;
  const around = async <T>(step: string, action: () => Promise<T>): Promise<T> => {
    end(`before ${step}`);
    const done = await action();
    end(`after ${step}`);
    return done;
  };
  const spied = (handle: FileHandle, name: string): FileHandle => {
    for (const method of ["appendFile", "writeFile", "sync", "datasync", "close"] as const) {
      const original = handle[method].bind(handle) as (...args: unknown[]) => Promise<unknown>;
      Object.assign(handle, {
        [method]: (...args: unknown[]) =>
          around(`${method} of ${name}`, async () => {
            // What is written in two halves may be found in between.
            const [text] = args;
            if (method !== "writeFile" || typeof text !== "string") return original(...args);
            await original(text.slice(0, text.length / 2));
            end(`half of ${method}`);
            return original(text.slice(text.length / 2));
          }),
      });
    }
    return handle;
  };
  t.mock.method(fsPromises, "open", (...args: Parameters<typeof open>) =>
    around(`open ${String(args[0])}`, async () => spied(await open(...args), String(args[0]))),
  );
  t.mock.method(fsPromises, "rename", (...args: Parameters<typeof rename>) =>
    around("rename", () => rename(...args)),
  );
  t.mock.method(fsPromises, "truncate", (...args: Parameters<typeof truncate>) =>
    around("truncate", () => truncate(...args)),
  );
  syncBuiltinESMExports();
  const restore = (): void => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  };
  t.after(restore);

  let times = 0;
  const write = async (journal: Journal<Event>, count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await journal.append({ place: acknowledged + 1, filling: FILLING });
      acknowledged++;
    }
  };
  const first = await openJournal<Event>(path, { event: eventSchema, loss: "nothing" });
  await write(first, 12);
  await first.close();
  watching = true;
  const journal = await openSmall(path, () => times++);
  await write(journal, 14);
  await journal.close();
  watching = false;
  restore();

  assert.ok(times >= 2, `compacted ${times} times`);
  assert.ok(ends.some(({ step }) => step === "half of writeFile"));
  for (const { copy, acknowledged: told, step } of ends) {
    const found = await openSmall(join(copy, "journal.jsonl"));
    requireWhole(places(found.history), told, step);
    // And it goes on from there.
    await found.append({ place: 1_000, filling: FILLING });
    await found.close();
    const again = await openSmall(join(copy, "journal.jsonl"));
    assert.equal(again.history.at(-1)?.place, 1_000, step);
    await again.close();
    await rm(copy, { recursive: true });
  }
});

test("killed while it writes as fast as it can, a process finds everything that it was told is on disk", async (t) => {
  const path = join(await folderFor(t), "journal.jsonl");
  const writer = `
    const { writeSync } = await import("node:fs");
    const { z } = await import(process.argv[3]);
    const { openJournal } = await import(process.argv[1]);
    const journal = await openJournal(process.argv[2], {
      event: z.strictObject({ at: z.int(), place: z.int(), filling: z.string() }),
      loss: "nothing",
      compaction: {
        aboveBytes: ${LIMIT},
        keep: (events) => events.slice(-${KEPT}),
        onCompacted: () => undefined,
      },
    });
    let place = journal.history.at(-1)?.place ?? 0;
    for (;;) {
      place++;
      await journal.append({ place, filling: "${FILLING}" });
      writeSync(1, place + "\\n");
    }`;
  let told = 0;
  for (const enough of [30, 47, 61]) {
    const child = spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        writer,
        new URL("journal.ts", import.meta.url).href,
        path,
        import.meta.resolve("zod"),
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const gone = once(child, "close");
    let lines = 0;
    createInterface({ input: child.stdout }).on("line", (line) => {
      told = Number(line);
      if (++lines === enough) child.kill("SIGKILL");
    });
    await gone;
    assert.ok(lines >= enough, `it wrote ${lines} of ${enough}`);
    const found = await openSmall(path);
    requireWhole(places(found.history), told, `after ${lines} more`);
    await found.close();
  }
});

test("a journal that was damaged is not written anew, but said to be so when it is opened", async (t) => {
  const path = join(await folderFor(t), "journal.jsonl");
  const line = `${JSON.stringify({ at: 1, place: 1, filling: FILLING })}\n`;
  await writeFile(path, line.repeat(20).replace('"place"', '"plate"'));
  await assert.rejects(openSmall(path), (error) => isAssayError(error, "JOURNAL_CORRUPT"));
  assert.equal((await readFile(path, "utf8")).length, 20 * line.length);
});
