/**
 * A process's memory: an append-only file, one JSON line an event. An event counts once `append` resolves, because the
 * line is on disk by then; a line that a crash tore is cut off when the file is opened again.
 */
import { mkdir, open, readFile, truncate, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { AssayError } from "@assay/protocol/errors";
import { toWire } from "@assay/protocol/wire/scalars";
import type { z } from "zod";

/** An event with its time: Unix milliseconds by this machine's clock. */
interface Timed {
  readonly at: number;
}

/** An event as callers give it; the journal adds the time. */
export type WithoutTime<E> = E extends Timed ? Omit<E, "at"> : never;

export interface Journal<E extends Timed> {
  /** What was in the file when it was opened, oldest first. */
  readonly history: readonly E[];
  /** Resolves once the event is on disk. Events are written in the order of the calls. */
  append(event: WithoutTime<E>): Promise<E>;
  close(): Promise<void>;
}

export interface JournalKind<E> {
  /** One line. */
  readonly event: z.ZodType<E>;
  /** What is lost without the file, for the remedy: a clause. */
  readonly loss: string;
}

/** Opens or creates. @throws JOURNAL_CORRUPT where a line other than a torn last one does not parse, JOURNAL_UNWRITABLE */
export const openJournal = async <E extends Timed>(
  path: string,
  { event: eventSchema, loss }: JournalKind<E>,
): Promise<Journal<E>> => {
  const { history, wholeBytes } = parse(path, await contents(path), eventSchema, loss);
  let file: FileHandle;
  try {
    const made = await mkdir(dirname(path), { recursive: true });
    file = await open(path, "a", 0o600);
    await truncate(path, wholeBytes);
    await syncFolder(dirname(path));
    if (made !== undefined) await syncFolder(dirname(made));
  } catch (cause) {
    throw unwritable(path, cause);
  }
  let lane: Promise<unknown> = Promise.resolve();
  let failed: AssayError | undefined;

  return {
    history,
    append: (event) => {
      const write = lane.then(async () => {
        if (failed) throw failed;
        const complete = { ...event, at: Date.now() } as unknown as E;
        try {
          // Not `write`, which may take a part of the line only and call that success.
          await file.appendFile(`${JSON.stringify(toWire(complete))}\n`);
          await file.datasync();
        } catch (cause) {
          // Half a line may be on disk: nothing may follow it.
          failed = unwritable(path, cause);
          throw failed;
        }
        return complete;
      });
      lane = write.catch(() => undefined);
      return write;
    },
    close: async () => {
      await lane;
      await file.close();
    },
  };
};

/** A new file is found after a crash only once its folder is on disk too. Windows cannot open folders and needs no such call. */
const syncFolder = async (path: string): Promise<void> => {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

const contents = async (path: string): Promise<string> => {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw unwritable(path, error);
  }
};

const parse = <E>(
  path: string,
  text: string,
  eventSchema: z.ZodType<E>,
  loss: string,
): { history: E[]; wholeBytes: number } => {
  const end = text.lastIndexOf("\n") + 1;
  const lines = text.slice(0, end).split("\n").slice(0, -1);
  const history = lines.map((line, index) => {
    try {
      return eventSchema.parse(JSON.parse(line));
    } catch (cause) {
      throw new AssayError("JOURNAL_CORRUPT", `line ${index + 1} of ${path} is damaged`, {
        remedy: `Restore the file from a backup, or move it away: ${loss}.`,
        details: { path, line: index + 1 },
        cause,
      });
    }
  });
  return { history, wholeBytes: Buffer.byteLength(text.slice(0, end)) };
};

const unwritable = (path: string, cause: unknown): AssayError =>
  new AssayError("JOURNAL_UNWRITABLE", `cannot write the journal ${path}`, {
    remedy: "Free some disk space or check the folder's permissions, then start again.",
    details: { path },
    cause,
  });
