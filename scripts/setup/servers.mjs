import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

import { SetupError, execute } from "./report.mjs";

const DEBIAN_POSTGRES = "/usr/lib/postgresql";

const onPath = (name) =>
  (process.env.PATH ?? "")
    .split(delimiter)
    .concat("/usr/sbin", "/usr/local/sbin")
    .some((folder) => folder !== "" && existsSync(join(folder, name)));

// Debian keeps initdb off the PATH, one folder per major version.
const hasPostgres = () =>
  onPath("initdb") ||
  (existsSync(DEBIAN_POSTGRES) &&
    readdirSync(DEBIAN_POSTGRES).some((version) =>
      existsSync(join(DEBIAN_POSTGRES, version, "bin/initdb")),
    ));

/** The Debian packages of the servers that tests need, that are absent and that no address stands in for. */
export const missingServers = () => [
  ...(process.env.ASSAY_TEST_DATABASE_URL || hasPostgres() ? [] : ["postgresql"]),
  ...(process.env.ASSAY_TEST_REDIS_URL || onPath("redis-server") ? [] : ["redis-server"]),
];

/** Installs Debian packages, as root or through sudo. */
export const installServers = async (packages) => {
  const isRoot = process.getuid?.() === 0;
  if (!onPath("apt-get") || !(isRoot || onPath("sudo"))) {
    throw new SetupError(
      "SETUP_SERVERS_MISSING",
      `tests need ${packages.join(" and ")}, and this machine has no apt-get that may be used`,
      "install PostgreSQL 14 or newer and Redis 7 or newer, or name servers to use in " +
        "ASSAY_TEST_DATABASE_URL and ASSAY_TEST_REDIS_URL; then run `npm test` again",
    );
  }
  const failure = {
    code: "SETUP_SERVERS_FAILED",
    remedy: `run \`apt-get install ${packages.join(" ")}\` by hand, then \`npm test\` again`,
  };
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const aptGet = (...args) =>
    isRoot
      ? execute("apt-get", args, { env, failure })
      : execute("sudo", ["--preserve-env=DEBIAN_FRONTEND", "apt-get", ...args], { env, failure });
  await aptGet("update", "-q");
  await aptGet("install", "-y", "-q", "--no-install-recommends", ...packages);
};
