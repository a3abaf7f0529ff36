// Runs every generator in this folder: `npm run generate`, or with `-- --check` to only compare.
import { spawnSync } from "node:child_process";

import { generators } from "../check/generated.ts";
import { ROOT } from "./support/output.ts";

let failed = 0;
for (const file of generators(ROOT)) {
  const { status } = spawnSync(process.execPath, [file, ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status !== 0) failed += 1;
}
process.exitCode = failed > 0 ? 1 : 0;
