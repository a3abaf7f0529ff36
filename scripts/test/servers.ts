import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Addresses of servers to test against, and how to stop those that were started for it. */
export type Servers = { databaseUrl: string; redisUrl: string; stop: () => Promise<void> };

type Identity = { uid: number; gid: number };
type Throwaway = { url: string; stop: () => Promise<void> };

const DEBIAN_POSTGRES = "/usr/lib/postgresql";
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Runs "$@" until standard input ends, then sends it $STOP_SIGNAL. The pipe also ends when the test run is
 * killed outright, so no server and no folder outlives it.
 */
const GUARD = `
"$@" >"$FOLDER/log" 2>&1 &
child=$!
read -r _ || true
kill -s "$STOP_SIGNAL" "$child" 2>/dev/null
wait "$child"
rm -rf "$FOLDER"
`;

/** PostgreSQL refuses to run as root: then it gets the account that its package made, or nobody's. */
const serverIdentity = (): Identity | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string, name: string): number =>
    Number(spawnSync("id", [flag, name], { encoding: "utf8" }).stdout.trim() || Number.NaN);
  const name = Number.isNaN(id("-u", "postgres")) ? "nobody" : "postgres";
  return { uid: id("-u", name), gid: id("-g", name) };
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port on 127.0.0.1");
  return address.port;
};

const postgresBinary = (name: string): string => {
  const versions = existsSync(DEBIAN_POSTGRES) ? readdirSync(DEBIAN_POSTGRES) : [];
  const newestFirst = versions.sort((a, b) => Number(b) - Number(a));
  const found = newestFirst
    .map((version) => join(DEBIAN_POSTGRES, version, "bin", name))
    .find((path) => existsSync(path));
  return found ?? name;
};

const makeFolder = (name: string, identity: Identity | undefined): string => {
  const folder = mkdtempSync(join(tmpdir(), `assay-${name}-`));
  if (identity) chownSync(folder, identity.uid, identity.gid);
  return folder;
};

const hasEnded = (child: ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null;

const startGuarded = async (
  name: string,
  command: readonly string[],
  options: {
    folder: string;
    stopSignal: "INT" | "TERM";
    identity: Identity | undefined;
    isReady: () => boolean;
  },
): Promise<() => Promise<void>> => {
  const { folder, stopSignal, identity, isReady } = options;
  const guard = spawn("/bin/sh", ["-c", GUARD, "sh", ...command], {
    cwd: folder,
    env: { ...process.env, FOLDER: folder, STOP_SIGNAL: stopSignal, LC_ALL: "C.UTF-8" },
    stdio: ["pipe", "ignore", "ignore"],
    // Out of reach of Ctrl-C in the terminal: the guard stops the server in order.
    detached: true,
    ...identity,
  });
  const stop = async (): Promise<void> => {
    guard.stdin?.end();
    for (let waited = 0; !hasEnded(guard) && waited < STOP_TIMEOUT_MS; waited += 20)
      await sleep(20);
    if (!hasEnded(guard) && guard.pid !== undefined) process.kill(-guard.pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!isReady()) {
    if (Date.now() > deadline || hasEnded(guard)) {
      const log = existsSync(join(folder, "log")) ? readFileSync(join(folder, "log"), "utf8") : "";
      await stop();
      throw new Error(`${name} did not start for the tests\n${log}`);
    }
    await sleep(50);
  }
  return stop;
};

const startPostgres = async (): Promise<Throwaway> => {
  const identity = serverIdentity();
  const folder = makeFolder("postgres", identity);
  const data = join(folder, "data");
  try {
    const args = [
      "-D",
      data,
      "-U",
      "assay",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--no-sync",
      "--locale=C",
    ];
    execFileSync(postgresBinary("initdb"), args, { cwd: folder, stdio: "pipe", ...identity });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error("initdb failed; install PostgreSQL with `npm run setup -- --servers`", {
      cause: error,
    });
  }
  // Chosen last: until the server takes it, the system may give it to somebody else.
  const port = await freePort();
  // Nothing here has to survive a crash, so nothing waits for the disk.
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: folder,
    max_connections: "200",
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  const probe = ["-q", "-h", "127.0.0.1", "-p", String(port), "-U", "assay"];
  const stop = await startGuarded(
    "PostgreSQL",
    [postgresBinary("postgres"), "-D", data, "-p", String(port), ...flags],
    {
      folder,
      stopSignal: "INT",
      identity,
      isReady: () => spawnSync(postgresBinary("pg_isready"), probe).status === 0,
    },
  );
  return { url: `postgresql://assay@127.0.0.1:${port}/postgres`, stop };
};

const startRedis = async (): Promise<Throwaway> => {
  const folder = makeFolder("redis", undefined);
  const port = await freePort();
  const address = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder];
  const stop = await startGuarded(
    "Redis",
    ["redis-server", ...address, "--save", "", "--appendonly", "no"],
    {
      folder,
      stopSignal: "TERM",
      identity: undefined,
      isReady: () => {
        const reply = spawnSync("redis-cli", ["-p", String(port), "ping"], { encoding: "utf8" });
        return reply.stdout?.trim() === "PONG";
      },
    },
  );
  return { url: `redis://127.0.0.1:${port}`, stop };
};

const existing = (url: string): Throwaway => ({ url, stop: async () => undefined });

/** Starts an empty PostgreSQL and an empty Redis on loopback, unless addresses of others are given. */
export const startServers = async (given: {
  databaseUrl: string | undefined;
  redisUrl: string | undefined;
}): Promise<Servers> => {
  const database = given.databaseUrl ? existing(given.databaseUrl) : await startPostgres();
  const redis = await (given.redisUrl
    ? existing(given.redisUrl)
    : startRedis().catch(async (error: unknown) => {
        await database.stop();
        throw error;
      }));
  return {
    databaseUrl: database.url,
    redisUrl: redis.url,
    stop: async () => {
      await Promise.all([database.stop(), redis.stop()]);
    },
  };
};
