/** The agent as a process: settings from the environment, SIGUSR1 to drain it. */
import { accountFrom } from "@assay/runtime/key-file";
import { createLogger } from "@assay/runtime/logger";
import { runProcess } from "@assay/runtime/process";
import type { Hex } from "viem";
import { createAgent } from "./agent/agent.ts";
import type { AgentOptions } from "./agent/options.ts";
import { environmentOf, type Environment } from "./config.ts";

const MIB = 2 ** 20;

const optionsOf = async (environment: Environment): Promise<AgentOptions> => ({
  account: await accountFrom(environment.ASSAY_PROVIDER_KEY_FILE, "ASSAY_PROVIDER_KEY_FILE"),
  provider: environment.ASSAY_PROVIDER_ADDRESS as Hex | undefined,
  rpcUrl: environment.ASSAY_PROVIDER_RPC_URL,
  apiUrl: environment.ASSAY_PROVIDER_API_URL,
  gatewayUrl: environment.ASSAY_PROVIDER_GATEWAY_URL,
  stateDir: environment.ASSAY_PROVIDER_STATE_DIR,
  price: environment.ASSAY_PROVIDER_PRICE,
  priceFloor: environment.ASSAY_PROVIDER_PRICE_FLOOR,
  capacity: environment.ASSAY_PROVIDER_CAPACITY,
  dutyCycle: environment.ASSAY_PROVIDER_DUTY_CYCLE,
  engine: {
    lanes: environment.ASSAY_PROVIDER_LANES,
    threads: environment.ASSAY_PROVIDER_THREADS,
  },
  hardware: environment.ASSAY_PROVIDER_HARDWARE,
  memoryBytes: environment.ASSAY_PROVIDER_MEMORY_MIB && environment.ASSAY_PROVIDER_MEMORY_MIB * MIB,
  maxDataBytes: environment.ASSAY_PROVIDER_MAX_DATA_MIB * MIB,
  checkpointBytes: environment.ASSAY_PROVIDER_CHECKPOINT_MIB * MIB,
  cacheBytes: environment.ASSAY_PROVIDER_CACHE_MIB * MIB,
  maxCollateral: environment.ASSAY_PROVIDER_MAX_COLLATERAL,
  maxStatedLoss: environment.ASSAY_PROVIDER_MAX_STATED_LOSS,
  maxBond: environment.ASSAY_PROVIDER_MAX_BOND,
  about: {
    name: environment.ASSAY_PROVIDER_NAME,
    region: environment.ASSAY_PROVIDER_REGION,
    jurisdiction: environment.ASSAY_PROVIDER_JURISDICTION,
    carbonGramsPerKwh: environment.ASSAY_PROVIDER_CARBON,
  },
  pollMs: environment.ASSAY_PROVIDER_POLL_MS,
  receiptMs: environment.ASSAY_PROVIDER_RECEIPT_SECONDS * 1_000,
  logger: createLogger({ name: "provider", level: environment.ASSAY_PROVIDER_LOG_LEVEL }),
});

await runProcess({
  start: async () => createAgent(await optionsOf(environmentOf())).start(),
  ready: ({ provider, offer, unitsPerSecond, unitPrice }) => ({
    provider,
    offer,
    unitsPerSecond,
    unitPrice: unitPrice.toString(),
  }),
  unexpected: "PROVIDER_UNEXPECTED",
  signals: { SIGUSR1: (agent) => void agent.drain() },
});
