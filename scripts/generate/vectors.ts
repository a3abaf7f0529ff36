/** Writes the vector files that TypeScript and Solidity are both checked against. */
import { join } from "node:path";
import { commitmentVectors, machineTables, randomnessVectors } from "@assay/engine/testing/vectors";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { format, resolveConfig } from "prettier";

import { ROOT, emit } from "./support/output.ts";

const write = async (file: string, value: unknown): Promise<void> => {
  const options = await resolveConfig(join(ROOT, file), { editorconfig: true });
  emit(file, await format(JSON.stringify(value), { ...options, parser: "json" }));
};

await write("services/protocol/commitments/vectors.json", commitmentVectors(nodeHasher));
await write("services/engine/ir/vectors.json", { ...machineTables(), ...randomnessVectors() });
