/** The parameter files of `deploy/parameters`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Amounts are strings in the files: they may exceed 2^53. */
export type Numbers = Readonly<Record<string, number | string>>;

export interface ParameterFile {
  /** Amount of the token that the market moves to and fro once at deployment. */
  readonly probe: string;
  readonly governance: {
    readonly votingDelay: number;
    readonly votingPeriod: number;
    readonly timelockDelay: number;
    readonly proposalThreshold: string;
    readonly quorumBps: number;
  };
  readonly game: {
    /** Token base units that 1e9 gas are worth in bonds and costs. */
    readonly gasPrice: string;
  };
  readonly first: Numbers;
  readonly min: Numbers;
  readonly max: Numbers;
}

export const ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";

/**
 * Reads a file and checks what no contract can see: that stake cannot leave before a vote it was cast in has taken effect.
 * @throws Error where it could.
 */
export function readParameters(name: string): ParameterFile {
  const path = join(import.meta.dirname, "parameters", `${name}.json`);
  const file = JSON.parse(readFileSync(path, "utf8")) as ParameterFile;
  const { votingDelay, votingPeriod, timelockDelay } = file.governance;
  const vote = votingDelay + votingPeriod + timelockDelay;
  const unbonding = Number(file.min["unbonding"]);
  if (unbonding < vote) {
    throw new Error(`${path}: stake may leave after ${unbonding} s, a vote takes ${vote} s`);
  }
  return file;
}

/** Numbers of a file as the contract's struct; bounds have no addresses. */
export function paramsOf(
  numbers: Numbers,
  { treasury, disputes } = { treasury: ZERO_ADDRESS, disputes: ZERO_ADDRESS },
): Record<string, bigint | number | string> {
  const exact = Object.entries(numbers).map(([name, value]) => [
    name,
    typeof value === "string" ? BigInt(value) : value,
  ]);
  return { ...Object.fromEntries(exact), treasury, disputes };
}
