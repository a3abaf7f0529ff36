import { SetupError } from "./report.mjs";

/** Below this, npm leaves out binaries which declare `engines` (Hardhat's EDR among them). */
const INSTALLS_ALL = [22, 13];
/** From here on, Node runs TypeScript files without a flag. */
const RUNS_TYPESCRIPT = [22, 18];
const OLDEST = [20, 12];

const atLeast = (version, [major, minor]) => {
  const [actualMajor = 0, actualMinor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return actualMajor > major || (actualMajor === major && actualMinor >= minor);
};

/**
 * How to install with this Node: "direct" (npm as it is) or "npx" (npm run by a newer Node).
 * Only Linux on x64 brings its own Node in the lockfile; elsewhere the user's must be new enough.
 */
export const installMethod = (version, platform, arch) => {
  const remedy = "install Node 24 (https://nodejs.org) and run `npm run setup` again";
  if (!atLeast(version, OLDEST)) {
    throw new SetupError(
      "SETUP_NODE_TOO_OLD",
      `Node ${version} is older than ${OLDEST.join(".")}`,
      remedy,
    );
  }
  const bringsNode = platform === "linux" && arch === "x64";
  if (!bringsNode && !atLeast(version, RUNS_TYPESCRIPT)) {
    throw new SetupError(
      "SETUP_NODE_TOO_OLD",
      `on ${platform}/${arch} Assay needs Node ${RUNS_TYPESCRIPT.join(".")} or newer, this is ${version}`,
      remedy,
    );
  }
  return atLeast(version, INSTALLS_ALL) ? "direct" : "npx";
};
