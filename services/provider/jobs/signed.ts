/**
 * Which receipts of a job were signed, in the job's folder: whoever holds two of one checkpoint that contradict each other can have
 * this provider slashed, so a second result is never signed, whatever a machine or a later version computes.
 */
import type { Submission } from "@assay/protocol/domain/messages";
import { submissionRoot } from "@assay/protocol/domain/receipts";
import { AssayError } from "@assay/protocol/errors";
import { bytes32, uint32 } from "@assay/protocol/wire/scalars";
import { openJournal, type Journal } from "@assay/runtime/journal";
import { join } from "node:path";
import type { Hex } from "viem";
import { z } from "zod";

const eventSchema = z.strictObject({
  kind: z.literal("signed"),
  at: z.int(),
  checkpoint: uint32,
  root: bytes32,
});

export interface SignedReceipts {
  /**
   * Resolves once it is on disk that this receipt may be signed: again, or as the first of its checkpoint. @throws RECEIPT_CONTRADICTS,
   * RECEIPT_TOO_LATE after `close`, JOURNAL_CORRUPT, JOURNAL_UNWRITABLE
   */
  admit(receipt: Submission): Promise<void>;
  /** Admits nothing more; also a second time. */
  close(): Promise<void>;
}

interface Signed {
  readonly root: Hex;
  /** Settles once it is on disk. */
  readonly written: Promise<unknown>;
}

interface Opened {
  readonly journal: Journal<z.output<typeof eventSchema>>;
  /** By checkpoint. */
  readonly signed: Map<number, Signed>;
}

/** Opens its file with the first receipt. */
export const signedReceipts = (folder: string): SignedReceipts => {
  let opening: Promise<Opened> | undefined;
  let closing: Promise<void> | undefined;
  const open = async (): Promise<Opened> => {
    const journal = await openJournal(join(folder, "signed.jsonl"), {
      event: eventSchema,
      loss: "what was signed of this job is then not known, and a second result could cost its collateral",
    });
    const written = Promise.resolve();
    const signed = new Map(
      journal.history.map(({ checkpoint, root }) => [checkpoint, { root, written }]),
    );
    return { journal, signed };
  };

  return {
    admit: async (receipt) => {
      if (closing !== undefined)
        throw new AssayError("RECEIPT_TOO_LATE", `job ${receipt.jobId} is over`, {
          remedy: "Nothing needs to be done: its result is what counts now.",
        });
      opening ??= open();
      const { journal, signed } = await opening;
      const { jobId, checkpoint } = receipt;
      const root = submissionRoot(receipt);
      const before = signed.get(checkpoint);
      if (before !== undefined && before.root !== root)
        throw new AssayError(
          "RECEIPT_CONTRADICTS",
          `another result was signed for checkpoint ${checkpoint} before`,
          {
            remedy:
              "Nothing was signed. This machine has computed two results of one job: check its memory and processor.",
            details: { jobId, checkpoint, root, before: before.root },
          },
        );
      const entry = before ?? {
        root,
        written: journal.append({ kind: "signed", checkpoint, root }),
      };
      signed.set(checkpoint, entry);
      await entry.written;
    },
    close: () => {
      closing ??= (async () => {
        const opened = await opening?.catch(() => undefined);
        await opened?.journal.close();
      })();
      return closing;
    },
  };
};
