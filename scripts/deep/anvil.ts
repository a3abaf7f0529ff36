/** The long contract tests in TypeScript on anvil; the others run there in `npm test`. */
import { join } from "node:path";

import { closingLine } from "../test/counts.ts";
import { testFiles } from "../test/files.ts";
import { isLongOnAnvil, runOnAnvil } from "../test/hardhat-tests.ts";

const root = join(import.meta.dirname, "../..");
const files = testFiles(root, "contracts", []).filter(
  (file) => isLongOnAnvil(file) && file.endsWith(".ts"),
);
const { signal } = new AbortController();
const counts = await runOnAnvil(files, { root, verbose: false, signal });
console.log(closingLine(counts));
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
