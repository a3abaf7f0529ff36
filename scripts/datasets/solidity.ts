/**
 * The Solidity sources of the pinned `@openzeppelin/contracts` (MIT) in characters: every twentieth file by path is held
 * out. `node scripts/datasets/solidity.ts solidity.safetensors` writes the file that `transformer-lm` reads.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { importDataset, type Manifest } from "@assay/engine/data/import/import";
import { decodeSafetensors } from "@assay/engine/data/safetensors";
import type { Words } from "@assay/engine/backend";

const require = createRequire(import.meta.url);

export interface SolidityText {
  readonly vocabulary: number;
  readonly train: Words;
  readonly heldOut: Words;
}

/** Writes the data set to `out`. Throws where the package is not installed. */
export const writeSolidity = (out: string): Promise<Manifest> =>
  importDataset({
    source: {
      kind: "text",
      path: dirname(require.resolve("@openzeppelin/contracts/package.json")),
      extension: ".sol",
    },
    out,
    holdOut: 20,
    licence: "MIT",
  });

/** The tokens of both parts. */
export const readSolidity = async (): Promise<SolidityText> => {
  const folder = mkdtempSync(join(tmpdir(), "assay-solidity-"));
  try {
    const out = join(folder, "solidity.safetensors");
    const { vocabulary = 0 } = await writeSolidity(out);
    const [train, heldOut] = decodeSafetensors(readFileSync(out)).tensors;
    if (!train || !heldOut) throw new Error("two parts were written");
    return { vocabulary, train: train.words, heldOut: heldOut.words };
  } finally {
    rmSync(folder, { recursive: true });
  }
};

if (import.meta.main) {
  const path = process.argv[2];
  if (path === undefined) throw new Error("usage: node scripts/datasets/solidity.ts <file>");
  await writeSolidity(path);
}
