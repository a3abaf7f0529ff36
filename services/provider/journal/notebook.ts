/** Journal and memory as one: what is written is remembered at once. */
import type { TransactionJournal } from "@assay/runtime/transactions";
import { AssayError } from "@assay/protocol/errors";
import type { MarketDomain } from "@assay/protocol/signing/typed-data";
import type { Address } from "viem";
import { openJournal, type NewEvent } from "./journal.ts";
import { recollect, type Memory } from "./memory.ts";

export interface Notebook {
  readonly memory: Memory;
  /** Resolves once the event is on disk and part of `memory`. */
  note(event: NewEvent): Promise<void>;
  readonly transactions: TransactionJournal;
  close(): Promise<void>;
}

export interface Owner extends MarketDomain {
  readonly provider: Address;
}

/** Opens the journal at `path` for this provider. @throws also JOURNAL_OF_ANOTHER */
export const openNotebook = async (path: string, owner: Owner): Promise<Notebook> => {
  const journal = await openJournal(path);
  const [first] = journal.history;
  if (first === undefined) await journal.append({ kind: "opened", version: 1, ...owner });
  else if (
    first.kind !== "opened" ||
    first.chainId !== owner.chainId ||
    first.market !== owner.market ||
    first.provider !== owner.provider
  ) {
    await journal.close();
    throw new AssayError(
      "JOURNAL_OF_ANOTHER",
      `${path} belongs to another provider or another market`,
      {
        remedy: "Give this agent a state folder of its own (ASSAY_PROVIDER_STATE_DIR).",
        details: { path, found: first, expected: owner },
      },
    );
  }
  const { memory, add } = recollect(journal.history);
  const note = async (event: NewEvent): Promise<void> => add(await journal.append(event));
  return {
    memory,
    note,
    transactions: {
      load: (key) => Promise.resolve(memory.transactions.get(key)),
      save: (key, { nonce, hashes }) =>
        note({ kind: "transaction", key, nonce, hashes: [...hashes] }),
    },
    close: () => journal.close(),
  };
};
