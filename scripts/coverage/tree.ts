/**
 * A copy of the project whose contracts count what runs, so that Hardhat runs the same tests on them. Hardhat's `--coverage`
 * collects the hits; its own instrumentation, which knows statements only, is told to leave every file alone.
 */
import {
  cpSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";

import { type Counter, HITS, instrument } from "./instrument.ts";
import { parseSolidity } from "./syntax.ts";

const COPIED = ["deploy", "package.json", "scripts", "services", "test", "tsconfig.json"];
const LEFT_OUT = new Set(["node_modules", ".build"]);
const HITS_FILE = `contracts/${HITS}.sol`;

/** Called where Hardhat's collector listens; takes scratch space, and no memory that somebody's assembly counts on. */
const LIBRARY = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

library ${HITS} {
    function _hit(uint256 id) private view {
        assembly ("memory-safe") {
            mstore(0, id)
            pop(staticcall(gas(), 0xc0bEc0BEc0BeC0bEC0beC0bEC0bEC0beC0beC0BE, 0, 32, 0, 0))
        }
    }

    function _pure(function(uint256) internal view f) private pure returns (function(uint256) internal pure g) {
        assembly ("memory-safe") {
            g := f
        }
    }

    function hit(uint256 id) internal pure {
        _pure(_hit)(id);
    }

    function either(bool outcome, uint256 id) internal pure returns (bool) {
        _pure(_hit)(outcome ? id : id + 1);
        return outcome;
    }
}
`;

const CONFIG = `import project from "./hardhat.project.ts";

export default { ...project, coverage: { skipFiles: ["**/*"] } };
`;

/** Contracts whose coverage counts: what is deployed, and the libraries it is made of. */
export const measuredFiles = (root: string): string[] =>
  globSync("contracts/**/*.sol", { cwd: root })
    .filter((file) => !file.startsWith("contracts/mocks/"))
    .sort();

/** Writes the copy to a folder; what was compiled there before stays, for unchanged contracts. */
export const writeTree = (root: string, folder: string): readonly Counter[] => {
  mkdirSync(folder, { recursive: true });
  for (const name of [...COPIED, "contracts"])
    rmSync(join(folder, name), { recursive: true, force: true });
  for (const name of COPIED) {
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      filter: (path) => !LEFT_OUT.has(basename(path)),
    });
  }
  cpSync(join(root, "contracts"), join(folder, "contracts"), { recursive: true });
  cpSync(join(root, "hardhat.config.ts"), join(folder, "hardhat.project.ts"));
  writeFileSync(join(folder, "hardhat.config.ts"), CONFIG);
  writeFileSync(join(folder, HITS_FILE), LIBRARY);
  rmSync(join(folder, "node_modules"), { force: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));

  const files = measuredFiles(root);
  const sources = Object.fromEntries(
    files.map((file) => [file, readFileSync(join(root, file), "utf8")]),
  );
  const counters: Counter[] = [];
  for (const [file, ast] of parseSolidity(sources)) {
    const path = relative(dirname(file), HITS_FILE);
    const hits = `import {${HITS}} from "${path.startsWith(".") ? path : `./${path}`}";`;
    const made = instrument(file, sources[file] ?? "", ast, hits, counters.length);
    counters.push(...made.counters);
    writeFileSync(join(folder, file), made.text);
  }
  return counters;
};
