/** What an agent is told before it starts. */
import type { Description } from "@assay/protocol/wire/description";
import type { EngineWish } from "@assay/engine/wasm/settings";
import type { Logger } from "@assay/runtime/logger";
import type { Address, LocalAccount } from "viem";

export interface AgentOptions {
  /** Signs and submits. */
  readonly account: LocalAccount;
  /** Staker that `account` works for as an operator; default: itself. */
  readonly provider?: Address | undefined;
  readonly rpcUrl: string;
  readonly apiUrl: string;
  /** Content gateway; default: the market's. */
  readonly gatewayUrl?: string | undefined;
  /** Journal, checkpoints, cached content and status; one agent a folder. */
  readonly stateDir: string;
  /** Tokens per giga-unit (10^9 work units), or `auto`. */
  readonly price: string;
  /** Least tokens per giga-unit that `auto` asks. */
  readonly priceFloor: string;
  /** Jobs at a time. */
  readonly capacity: number;
  /** Share of the time a job may compute. */
  readonly dutyCycle: number;
  /** Threads of one job, and their lanes. */
  readonly engine: EngineWish;
  readonly hardware: "cpu" | "gpu";
  /** Bytes of memory of one job; default: half of the machine's, divided by capacity. */
  readonly memoryBytes?: number | undefined;
  readonly maxDataBytes: number;
  /** Bytes on disk for the checkpoints of one job. */
  readonly checkpointBytes: number;
  /** Bytes on disk for fetched programs, data sets and models; default 16 GiB. */
  readonly cacheBytes?: number | undefined;
  /** Decimal tokens. */
  readonly maxCollateral?: string | undefined;
  readonly maxStatedLoss: string;
  /** Decimal tokens to bring for the bond of one game against a replica that differs; default: what the contract asks. */
  readonly maxBond?: string | undefined;
  /** What the offer says beside the hardware. */
  readonly about: Pick<Description, "name" | "region" | "jurisdiction" | "carbonGramsPerKwh">;
  readonly logger: Logger;
  /** Least milliseconds between two receipts of a job; default 10,000. */
  readonly receiptMs?: number | undefined;
  /** Milliseconds between two looks at the chain; default 1,000. */
  readonly pollMs?: number | undefined;
}
