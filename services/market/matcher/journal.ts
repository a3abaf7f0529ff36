/** The matcher's transactions, in the database: a restart goes on waiting for what was sent. */
import type { TransactionJournal } from "@assay/runtime/transactions";
import { keccak256, stringToBytes, type Hex } from "viem";
import type { SqlDatabase } from "../database/sql.ts";

export const transactionJournal = (sql: SqlDatabase): TransactionJournal => ({
  async load(key) {
    const [row] = await sql.query<{ nonce: number; hashes: Hex[] }>(
      "SELECT nonce, hashes FROM market_transaction WHERE key = $1",
      [shortened(key)],
    );
    return row;
  },
  async save(key, { nonce, hashes }) {
    await sql.query(
      `INSERT INTO market_transaction (key, nonce, hashes) VALUES ($1, $2, $3)
       ON CONFLICT (key) DO UPDATE SET nonce = $2, hashes = $3`,
      [shortened(key), nonce, hashes],
    );
  },
});

/** Keys of batches can be longer than an index entry may be. */
const shortened = (key: string): string =>
  key.length <= 256 ? key : `${key.slice(0, 16)}…${keccak256(stringToBytes(key))}`;
