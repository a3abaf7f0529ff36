/**
 * A process's memory: an append-only file, one JSON line an event. An event counts once `append` resolves, because the
 * line is on disk by then; a line that a crash tore is cut off when the file is opened again. A file that has grown large is replaced
 * by one of the events that are still needed; until that one is whole and in its place, the old one is the journal.
 */
import { mkdir, open, readFile, truncate, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { AssayError } from "@assay/protocol/errors";
import { toWire } from "@assay/protocol/wire/scalars";
import type { z } from "zod";
import { replaceFile } from "./files.ts";

/** An event with its time: Unix milliseconds by this machine's clock. */
interface Timed {
  readonly at: number;
}

/** An event as callers give it; the journal adds the time. */
export type WithoutTime<E> = E extends Timed ? Omit<E, "at"> : never;

export interface Journal<E extends Timed> {
  /** What was in the file when it was opened, oldest first; of a large one what is still needed. */
  readonly history: readonly E[];
  /** Resolves once the event is on disk. Events are written in the order of the calls. */
  append(event: WithoutTime<E>): Promise<E>;
  close(): Promise<void>;
}

/** How a journal is kept small. */
export interface Compaction<E> {
  /** A file above this many bytes is written anew when it is opened and when it grows; then again once it has doubled. */
  readonly aboveBytes: number;
  /** The events that are still needed, in their order. */
  readonly keep: (events: readonly E[]) => readonly E[];
  /** The file holds just these now. */
  readonly onCompacted: (events: readonly E[]) => void;
}

export interface JournalKind<E> {
  /** One line. */
  readonly event: z.ZodType<E>;
  /** What is lost without the file, for the remedy: a clause. */
  readonly loss: string;
  /** Without it the file only grows. */
  readonly compaction?: Compaction<E>;
}

/** Opens or creates. @throws JOURNAL_CORRUPT where a line other than a torn last one does not parse, JOURNAL_UNWRITABLE */
export const openJournal = async <E extends Timed>(
  path: string,
  kind: JournalKind<E>,
): Promise<Journal<E>> => {
  const { compaction } = kind;
  let { history, wholeBytes: bytes } = parse(path, await contents(path), kind);
  let file: FileHandle;
  try {
    const made = await mkdir(dirname(path), { recursive: true });
    file = await open(path, "a", 0o600);
    await truncate(path, bytes);
    await syncFolder(dirname(path));
    if (made !== undefined) await syncFolder(dirname(made));
  } catch (cause) {
    throw unwritable(path, cause);
  }
  let lane: Promise<unknown> = Promise.resolve();
  let failed: AssayError | undefined;
  let compactAbove = compaction?.aboveBytes ?? Number.POSITIVE_INFINITY;

  /** Goes on in the file that has taken the old one's place. */
  const reopen = async (): Promise<void> => {
    const old = file;
    file = await open(path, "a", 0o600);
    await old.close();
    await syncFolder(dirname(path));
  };

  /** The events left; undefined where the file was left as it was. */
  const compact = async ({ keep, aboveBytes }: Compaction<E>): Promise<E[] | undefined> => {
    let kept: E[];
    let text: string;
    try {
      kept = [...keep(parse(path, await contents(path), kind).history)];
      text = kept.map(lineOf).join("");
      await replaceFile(path, text);
    } catch {
      // There may be no room for a second file: the old one is whole, and it is tried again when it has doubled.
      compactAbove = 2 * bytes;
      return undefined;
    }
    try {
      await reopen();
    } catch (cause) {
      failed = unwritable(path, cause);
      throw failed;
    }
    bytes = Buffer.byteLength(text);
    compactAbove = Math.max(aboveBytes, 2 * bytes);
    return kept;
  };

  const compactIfLarge = async (): Promise<E[] | undefined> => {
    if (compaction === undefined || bytes <= compactAbove) return undefined;
    const kept = await compact(compaction);
    if (kept !== undefined) compaction.onCompacted(kept);
    return kept;
  };

  history = (await compactIfLarge()) ?? history;
  return {
    history,
    append: (event) => {
      const write = lane.then(async () => {
        if (failed) throw failed;
        const complete = { ...event, at: Date.now() } as unknown as E;
        const line = lineOf(complete);
        try {
          // Not `write`, which may take a part of the line only and call that success.
          await file.appendFile(line);
          await file.datasync();
        } catch (cause) {
          // Half a line may be on disk: nothing may follow it.
          failed = unwritable(path, cause);
          throw failed;
        }
        bytes += Buffer.byteLength(line);
        return complete;
      });
      // The event is on disk: what becomes of the file around it is nothing to wait for.
      lane = write.then(compactIfLarge).catch(() => undefined);
      return write;
    },
    close: async () => {
      await lane;
      await file.close();
    },
  };
};

const lineOf = (event: Timed): string => `${JSON.stringify(toWire(event))}\n`;

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
  { event: eventSchema, loss }: Pick<JournalKind<E>, "event" | "loss">,
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
