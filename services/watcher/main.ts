/** The watcher as a process: settings from the environment. */
import { accountFrom } from "@assay/runtime/key-file";
import { createLogger } from "@assay/runtime/logger";
import { runProcess } from "@assay/runtime/process";
import type { Hex } from "viem";
import { environmentOf, type Environment } from "./config.ts";
import { startWatcher, type WatcherOptions } from "./watcher.ts";

const MIB = 2 ** 20;

const optionsOf = async (environment: Environment): Promise<WatcherOptions> => ({
  account: await accountFrom(environment.ASSAY_WATCHER_KEY_FILE, "ASSAY_WATCHER_KEY_FILE"),
  rpcUrl: environment.ASSAY_WATCHER_RPC_URL,
  apiUrl: environment.ASSAY_WATCHER_API_URL,
  content: environment.ASSAY_WATCHER_CONTENT,
  stateDir: environment.ASSAY_WATCHER_STATE_DIR,
  choice: {
    fraction: environment.ASSAY_WATCHER_FRACTION,
    maxUnits: environment.ASSAY_WATCHER_MAX_UNITS,
    only: (environment.ASSAY_WATCHER_ONLY?.split(",") ?? []) as Hex[],
  },
  auditor: environment.ASSAY_WATCHER_AUDITOR as Hex | undefined,
  early: environment.ASSAY_WATCHER_START === "agreed",
  capacity: environment.ASSAY_WATCHER_CAPACITY,
  engine: {
    lanes: environment.ASSAY_WATCHER_LANES,
    threads: environment.ASSAY_WATCHER_THREADS,
  },
  maxBond: environment.ASSAY_WATCHER_MAX_BOND,
  memoryBytes: environment.ASSAY_WATCHER_MEMORY_MIB && environment.ASSAY_WATCHER_MEMORY_MIB * MIB,
  maxDataBytes: environment.ASSAY_WATCHER_MAX_DATA_MIB * MIB,
  checkpointBytes: environment.ASSAY_WATCHER_CHECKPOINT_MIB * MIB,
  cacheBytes: environment.ASSAY_WATCHER_CACHE_MIB * MIB,
  finality: environment.ASSAY_WATCHER_FINALITY,
  pollMs: environment.ASSAY_WATCHER_POLL_MS,
  logger: createLogger({ name: "watcher", level: environment.ASSAY_WATCHER_LOG_LEVEL }),
});

await runProcess({
  start: async () => startWatcher(await optionsOf(environmentOf())),
  ready: ({ watcher }) => ({ watcher }),
  unexpected: "WATCHER_UNEXPECTED",
});
