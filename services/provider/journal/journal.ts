/** The agent's journal: what it must remember, as a file. */
import * as runtime from "@assay/runtime/journal";
import { eventSchema, type JournalEvent } from "./events.ts";

export type NewEvent = runtime.WithoutTime<JournalEvent>;
type Journal = runtime.Journal<JournalEvent>;

/** Opens or creates. @throws JOURNAL_CORRUPT where a line other than a torn last one does not parse, JOURNAL_UNWRITABLE */
export const openJournal = (path: string): Promise<Journal> =>
  runtime.openJournal(path, {
    event: eventSchema,
    loss: "jobs that are still open are then lost to this agent",
  });
