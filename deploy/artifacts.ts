/** Compiled contracts, as `npx hardhat build` leaves them. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Artifact, ArtifactResolver, BuildInfo } from "@nomicfoundation/ignition-core";

const ROOT = join(import.meta.dirname, "..");
const ARTIFACTS = join(ROOT, ".build/artifacts");

/** Interfaces of others that a module refers to by name. */
const FOREIGN: Readonly<Record<string, string>> = {
  IERC20: "contracts/mocks/TestToken.sol/TestToken.json",
};

/** @throws Error that says what to type where the contracts are not built. */
export function loadArtifact(name: string): Artifact {
  const foreign = FOREIGN[name];
  const found =
    foreign === undefined
      ? globSync(`contracts/**/${name}.sol/${name}.json`, { cwd: ARTIFACTS })
      : [foreign];
  const file = join(ARTIFACTS, found[0] ?? name);
  if (found.length !== 1 || !existsSync(file)) {
    throw new Error(`no compiled contract ${name}: run \`npm run setup\``);
  }
  return JSON.parse(readFileSync(file, "utf8")) as Artifact;
}

const readBuildInfo = (id: string): BuildInfo =>
  JSON.parse(readFileSync(join(ARTIFACTS, "build-info", `${id}.json`), "utf8")) as BuildInfo;

export const artifactResolver: ArtifactResolver = {
  loadArtifact: async (name) => loadArtifact(name),
  getBuildInfo: async (name) => {
    const { buildInfoId } = loadArtifact(name);
    return buildInfoId === undefined ? undefined : readBuildInfo(buildInfoId);
  },
};
