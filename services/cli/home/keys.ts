/** Private keys in files that only their owner can read. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { isHex, type Hex, type PrivateKeyAccount } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { AssayError } from "@assay/protocol/errors";

export const writeKey = (file: string, key: Hex): void => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${key}\n`, { mode: 0o600 });
};

/** Account of a key file. @throws `KEY_UNREADABLE` */
export const readAccount = (file: string): PrivateKeyAccount => {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new AssayError("KEY_UNREADABLE", `cannot read the key file ${file}`, {
      cause,
      remedy:
        "give --key FILE or set ASSAY_KEY_FILE to a file that holds one private key (0x and 64 hex digits)",
    });
  }
  if (!isHex(text) || text.length !== 66) {
    throw new AssayError("KEY_UNREADABLE", `${file} holds no private key`, {
      remedy: "the file must hold one private key: 0x and 64 hex digits",
    });
  }
  return privateKeyToAccount(text);
};
