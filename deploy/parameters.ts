/** The parameter files of `deploy/parameters`, and those that an operator makes of `public.json`. */
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";

import { AssayError } from "@assay/protocol/errors";
import { getAddress, isAddress } from "ethers";
import { z } from "zod";

export const ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";

const address = z
  .string()
  .refine((text) => isAddress(text), "is no address")
  .transform((text) => getAddress(text));
const uint32 = z.int().min(0).max(0xffff_ffff);
const bps = z.int().min(0).max(0xffff);
/** Amounts are strings in the files: they may exceed 2^53. */
const amount = z.string().regex(/^[0-9]{1,38}$/, "is no amount in base units");

/** The numbers of `contracts/types/Params.sol`, in its order. */
const numbersSchema = z.strictObject({
  challengeWindow: uint32,
  kappaBps: bps,
  receiptGrace: uint32,
  revealTime: uint32,
  unbonding: uint32,
  disputeClock: uint32,
  protocolFeeBps: bps,
  matcherFeeCapBps: bps,
  collateralBps: bps,
  latenessBps: bps,
  expiryPenaltyBps: bps,
  rewardBps: bps,
  burnBps: bps,
  auditRateBps: bps,
  auditFloorBps: bps,
  challengeBond: amount,
});
export type Numbers = z.infer<typeof numbersSchema>;

const networkSchema = z.strictObject({
  chainId: z.int().min(1).nullable(),
  /** The one token of the deployment; it cannot be changed later. */
  token: address.nullable(),
  /** Who may pause new agreements; nobody where null. */
  guardian: address.nullable(),
  /** Receives protocol fees; the timelock where null. */
  treasury: address.nullable(),
});

const fileSchema = z.strictObject({
  network: networkSchema.optional(),
  /** Amount of the token that the market moves to and fro once at deployment. */
  probe: amount,
  governance: z.strictObject({
    votingDelay: uint32,
    votingPeriod: uint32,
    timelockDelay: uint32,
    proposalThreshold: amount,
    quorumBps: z.int().min(1).max(10_000),
  }),
  game: z.strictObject({
    /** Token base units that 1e9 gas are worth in bonds and costs. */
    gasPrice: amount,
  }),
  first: numbersSchema,
  min: numbersSchema,
  max: numbersSchema,
});
export type ParameterFile = z.infer<typeof fileSchema>;

const bad = (path: string, why: string): AssayError =>
  new AssayError("DEPLOY_PARAMETERS_BAD", `${path}: ${why}`, {
    remedy: "correct the file; deploy/parameters/public.json has every field",
  });

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw bad(path, error instanceof Error ? error.message : "cannot be read");
  }
};

/** Fields whose first value is outside the bounds. */
const outside = ({ first, min, max }: ParameterFile): string[] =>
  (Object.keys(first) as (keyof Numbers)[]).filter(
    (name) => BigInt(first[name]) < BigInt(min[name]) || BigInt(first[name]) > BigInt(max[name]),
  );

/**
 * Reads a file, by path or by its name in `deploy/parameters`, and checks what no contract can see: that stake cannot leave
 * before a vote it was cast in has taken effect, and, for a public network, that a replica's window is still as long as a reveal time when
 * the last of its rivals is shown.
 * @throws `DEPLOY_PARAMETERS_BAD`
 */
export function readParameters(name: string): ParameterFile {
  const path =
    isAbsolute(name) || name.endsWith(".json")
      ? name
      : join(import.meta.dirname, "parameters", `${name}.json`);
  const parsed = fileSchema.safeParse(readJson(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw bad(path, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is wrong"}`);
  }
  const file = parsed.data;
  const [wrong] = outside(file);
  if (wrong !== undefined) throw bad(path, `first.${wrong} is not within its bounds`);
  const { votingDelay, votingPeriod, timelockDelay } = file.governance;
  const vote = votingDelay + votingPeriod + timelockDelay;
  if (file.min.unbonding < vote) {
    throw bad(path, `stake may leave after ${file.min.unbonding} s, a vote takes ${vote} s`);
  }
  const reveals = 2 * file.max.revealTime;
  if (file.network !== undefined && file.min.challengeWindow < reveals) {
    throw bad(
      path,
      `a window of ${file.min.challengeWindow} s is shorter than ${reveals} s, two reveals`,
    );
  }
  return file;
}

/** Numbers of a file as the contract's struct; bounds have no addresses. */
export const paramsOf = (
  numbers: Numbers,
  { treasury, disputes } = { treasury: ZERO_ADDRESS, disputes: ZERO_ADDRESS },
): Record<string, bigint | number | string> => ({
  ...numbers,
  challengeBond: BigInt(numbers.challengeBond),
  treasury,
  disputes,
});
