/** The agent as a process: settings from the environment, one JSON line once it is ready, signals to end it. */
import { readFile } from "node:fs/promises";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { createLogger } from "@assay/runtime/logger";
import { isHex, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { createAgent } from "./agent/agent.ts";
import type { AgentOptions } from "./agent/options.ts";
import { environmentOf, type Environment } from "./config.ts";

const MIB = 2 ** 20;

const keyFrom = async (path: string): Promise<Hex> => {
  const text = (
    await readFile(path, "utf8").catch((cause: unknown) => {
      throw new AssayError("KEY_FILE_UNREADABLE", `cannot read ${path}`, {
        remedy: "Set ASSAY_PROVIDER_KEY_FILE to a file with the private key.",
        cause,
      });
    })
  ).trim();
  if (isHex(text) && text.length === 66) return text;
  throw new AssayError("KEY_FILE_INVALID", `${path} holds no private key`, {
    remedy: "The file must hold 0x and 64 hex digits, and nothing else.",
  });
};

const optionsOf = async (environment: Environment): Promise<AgentOptions> => ({
  account: privateKeyToAccount(await keyFrom(environment.ASSAY_PROVIDER_KEY_FILE)),
  provider: environment.ASSAY_PROVIDER_ADDRESS as Hex | undefined,
  rpcUrl: environment.ASSAY_PROVIDER_RPC_URL,
  apiUrl: environment.ASSAY_PROVIDER_API_URL,
  gatewayUrl: environment.ASSAY_PROVIDER_GATEWAY_URL,
  stateDir: environment.ASSAY_PROVIDER_STATE_DIR,
  price: environment.ASSAY_PROVIDER_PRICE,
  priceFloor: environment.ASSAY_PROVIDER_PRICE_FLOOR,
  capacity: environment.ASSAY_PROVIDER_CAPACITY,
  dutyCycle: environment.ASSAY_PROVIDER_DUTY_CYCLE,
  hardware: environment.ASSAY_PROVIDER_HARDWARE,
  memoryBytes: environment.ASSAY_PROVIDER_MEMORY_MIB && environment.ASSAY_PROVIDER_MEMORY_MIB * MIB,
  maxDataBytes: environment.ASSAY_PROVIDER_MAX_DATA_MIB * MIB,
  checkpointBytes: environment.ASSAY_PROVIDER_CHECKPOINT_MIB * MIB,
  cacheBytes: environment.ASSAY_PROVIDER_CACHE_MIB * MIB,
  maxCollateral: environment.ASSAY_PROVIDER_MAX_COLLATERAL,
  maxStatedLoss: environment.ASSAY_PROVIDER_MAX_STATED_LOSS,
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

const say = (line: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

const run = async (): Promise<void> => {
  const agent = await createAgent(await optionsOf(environmentOf())).start();
  const { provider, offer, unitsPerSecond, unitPrice } = agent;
  say({ ready: true, provider, offer, unitsPerSecond, unitPrice: unitPrice.toString() });
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      if (++signals > 1) process.exit(130);
      void agent.stop();
    });
  // Whoever started this process over IPC is gone.
  process.once("disconnect", () => void agent.stop());
  process.on("SIGUSR1", () => void agent.drain());
  await agent.finished;
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
    code: coded ? error.code : "PROVIDER_UNEXPECTED",
    message: error instanceof Error ? error.message : String(error),
    remedy: coded ? error.remedy : undefined,
  });
  process.exit(exitCode(error));
}
