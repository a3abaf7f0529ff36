/** The watcher as a process: settings from the environment, one JSON line once it watches, signals to end it. */
import { readFile } from "node:fs/promises";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { createLogger } from "@assay/runtime/logger";
import { isHex, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { environmentOf, type Environment } from "./config.ts";
import { startWatcher, type WatcherOptions } from "./watcher.ts";

const MIB = 2 ** 20;

const keyFrom = async (path: string): Promise<Hex> => {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AssayError("KEY_FILE_UNREADABLE", `cannot read ${path}`, {
      remedy: "Set ASSAY_WATCHER_KEY_FILE to a file with the private key.",
      cause,
    });
  });
  const key = text.trim();
  if (isHex(key) && key.length === 66) return key;
  throw new AssayError("KEY_FILE_INVALID", `${path} holds no private key`, {
    remedy: "The file must hold 0x and 64 hex digits, and nothing else.",
  });
};

const optionsOf = async (environment: Environment): Promise<WatcherOptions> => ({
  account: privateKeyToAccount(await keyFrom(environment.ASSAY_WATCHER_KEY_FILE)),
  rpcUrl: environment.ASSAY_WATCHER_RPC_URL,
  apiUrl: environment.ASSAY_WATCHER_API_URL,
  content: environment.ASSAY_WATCHER_CONTENT,
  stateDir: environment.ASSAY_WATCHER_STATE_DIR,
  choice: {
    fraction: environment.ASSAY_WATCHER_FRACTION,
    maxUnits: environment.ASSAY_WATCHER_MAX_UNITS,
    only: (environment.ASSAY_WATCHER_ONLY?.split(",") ?? []) as Hex[],
  },
  early: environment.ASSAY_WATCHER_START === "agreed",
  capacity: environment.ASSAY_WATCHER_CAPACITY,
  maxBond: environment.ASSAY_WATCHER_MAX_BOND,
  memoryBytes: environment.ASSAY_WATCHER_MEMORY_MIB && environment.ASSAY_WATCHER_MEMORY_MIB * MIB,
  maxDataBytes: environment.ASSAY_WATCHER_MAX_DATA_MIB * MIB,
  checkpointBytes: environment.ASSAY_WATCHER_CHECKPOINT_MIB * MIB,
  cacheBytes: environment.ASSAY_WATCHER_CACHE_MIB * MIB,
  finality: environment.ASSAY_WATCHER_FINALITY,
  pollMs: environment.ASSAY_WATCHER_POLL_MS,
  logger: createLogger({ name: "watcher", level: environment.ASSAY_WATCHER_LOG_LEVEL }),
});

const say = (line: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

const run = async (): Promise<void> => {
  const watcher = await startWatcher(await optionsOf(environmentOf()));
  say({ ready: true, watcher: watcher.watcher });
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      if (++signals > 1) process.exit(130);
      void watcher.stop();
    });
  // Whoever started this process over IPC is gone.
  process.once("disconnect", () => void watcher.stop());
  await watcher.finished;
};

/** 2: the person who started it has to do something first; 1: anything else. */
const exitCode = (error: unknown): number => (isAssayError(error) && !error.retryable ? 2 : 1);

try {
  await run();
  process.exit(0);
} catch (error) {
  const coded = isAssayError(error);
  say({
    ready: false,
    code: coded ? error.code : "WATCHER_UNEXPECTED",
    message: error instanceof Error ? error.message : String(error),
    remedy: coded ? error.remedy : undefined,
  });
  process.exit(exitCode(error));
}
