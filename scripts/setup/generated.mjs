import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join, relative } from "node:path";

import { execute } from "./report.mjs";

const STAMPS = ".build/stamps";

const filesUnder = (path) => {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesUnder(join(path, name)));
};

/** One hash over the names and contents of files and folders. */
export const fingerprint = (root, paths) => {
  const hash = createHash("sha256");
  for (const file of paths.flatMap((path) => filesUnder(join(root, path)))) {
    const content = readFileSync(file);
    hash.update(`${relative(root, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
};

/** What is made here from sources and kept out of git; each part is remade when its inputs changed. */
const PARTS = [
  {
    name: "database client",
    source: "services/market/database/schema.prisma",
    inputs: ["services/market/database/schema.prisma", "node_modules/@prisma/client/package.json"],
    output: "services/market/database/generated",
    command: ["prisma", ["generate", "--schema", "services/market/database/schema.prisma"]],
    // Generating needs no schema engine, but Prisma would download one unless told where it is.
    env: {
      PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true",
      PRISMA_HIDE_UPDATE_MESSAGE: "1",
      CHECKPOINT_DISABLE: "1",
    },
    failure: {
      code: "SETUP_PRISMA_FAILED",
      remedy: "correct services/market/database/schema.prisma, then run `npm run setup` again",
    },
  },
  {
    name: "contracts",
    source: "contracts",
    inputs: ["contracts", "hardhat.config.ts", "node_modules/solc/package.json"],
    output: ".build/artifacts",
    command: ["hardhat", ["build", "--no-tests", "--quiet"]],
    env: { HARDHAT_DISABLE_TELEMETRY_PROMPT: "true" },
    failure: {
      code: "SETUP_CONTRACTS_FAILED",
      remedy: "correct the contract named above, then run `npm run setup` again",
    },
  },
];

/** The parts whose sources exist and whose output is absent or older than its inputs. */
export const staleParts = (root) =>
  PARTS.filter((part) => filesUnder(join(root, part.source)).length > 0)
    .map((part) => ({
      ...part,
      stamp: join(root, STAMPS, part.name.replace(" ", "-")),
      hash: fingerprint(root, part.inputs),
    }))
    .filter(
      ({ stamp, hash, output }) =>
        !existsSync(join(root, output)) ||
        !existsSync(stamp) ||
        readFileSync(stamp, "utf8") !== hash,
    );

/** Remakes one part and remembers from what. */
export const generatePart = async (
  root,
  { command: [binary, args], env, failure, stamp, hash },
) => {
  const bin = join(root, "node_modules/.bin");
  const PATH = [bin, process.env.PATH].join(delimiter);
  await execute(join(bin, binary), args, { cwd: root, env: { ...env, PATH }, failure });
  mkdirSync(join(root, STAMPS), { recursive: true });
  writeFileSync(stamp, hash);
};
