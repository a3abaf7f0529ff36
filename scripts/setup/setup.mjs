// Makes a checkout ready to run: `npm run setup`. A second run finds nothing to do.
//   --servers  also installs what only tests use: PostgreSQL and Redis, and Node 22 beside this one
//   --quiet    says nothing when nothing was to be done
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { dependenciesAreCurrent, installDependencies } from "./dependencies.mjs";
import { generatePart, staleParts } from "./generated.mjs";
import { installMethod } from "./node-version.mjs";
import { installOtherNode, lacksOtherNode } from "./other-node.mjs";
import { SetupError, phase } from "./report.mjs";
import { installServers, missingServers } from "./servers.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const options = new Set(process.argv.slice(2));

const setUp = async () => {
  let work = 0;
  const doPhase = async (name, run) => {
    work += 1;
    await phase(name, run);
  };

  installMethod(process.version, process.platform, process.arch);
  if (!dependenciesAreCurrent(root)) {
    await doPhase("dependencies (about a minute)", () => installDependencies(root));
  }
  for (const part of staleParts(root)) {
    await doPhase(part.name, () => generatePart(root, part));
  }
  const servers = options.has("--servers") ? missingServers() : [];
  if (servers.length > 0) {
    await doPhase(`servers for the tests: ${servers.join(", ")}`, () => installServers(servers));
  }
  if (options.has("--servers") && lacksOtherNode(root)) {
    await doPhase("Node 22 for the tests", () => installOtherNode(root));
  }
  if (work === 0 && !options.has("--quiet")) console.log("✓ ready, nothing to do");
};

try {
  await setUp();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`✗ ${error.code}: ${error.message}\n  next: ${error.remedy}`);
  process.exitCode = 1;
}
