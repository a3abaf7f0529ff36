/** A private key in a file: a key in the environment is shown to every process of the same user. */
import { readFile } from "node:fs/promises";
import { AssayError } from "@assay/protocol/errors";
import { isHex } from "viem";
import { privateKeyToAccount, type PrivateKeyAccount } from "viem/accounts";

/** The account of the key in a file; `setting` names the variable to correct. @throws KEY_FILE_UNREADABLE, KEY_FILE_INVALID */
export const accountFrom = async (path: string, setting: string): Promise<PrivateKeyAccount> => {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AssayError("KEY_FILE_UNREADABLE", `cannot read ${path}`, {
      remedy: `Set ${setting} to a file with the private key.`,
      cause,
    });
  });
  const key = text.trim();
  if (isHex(key) && key.length === 66) return privateKeyToAccount(key);
  throw new AssayError("KEY_FILE_INVALID", `${path} holds no private key`, {
    remedy: "The file must hold 0x and 64 hex digits, and nothing else.",
  });
};
