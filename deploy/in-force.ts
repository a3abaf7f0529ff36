/** The parameters of a deployment against its file, and what votes have made of them since. */
import type { Deployment } from "@assay/protocol/wire/api";
import { type Contract, type JsonRpcProvider, dataSlice, getAddress, id } from "ethers";

import type { Finding } from "./code.ts";
import { logsSince } from "./logs.ts";
import { type ParameterFile, ZERO_ADDRESS, paramsOf } from "./parameters.ts";

/** A deployed contract by its name and address. */
export type Chain = (name: string, address: string) => Contract;

/** One answer of a contract against what it should be. */
export const expects = async (
  contract: Contract,
  what: string,
  name: string,
  wanted: string,
): Promise<Finding> => {
  const found = String(await contract.getFunction(name)());
  return { what, ok: found.toLowerCase() === wanted.toLowerCase(), found };
};

const shown = (value: unknown): string => String(value).toLowerCase();

/** Names of the members in which two structs differ. */
const differing = (found: object, wanted: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(wanted)
    .filter(([name, value]) => shown((found as Record<string, unknown>)[name]) !== shown(value))
    .map(([name]) => name);

/** What is in force, where votes have added versions: the timelock alone can, which has a finding of its own. */
const votedFinding = (
  version: bigint,
  first: object,
  current: object,
  names: readonly string[],
): Finding => {
  const at = (params: object, name: string) => shown((params as Record<string, unknown>)[name]);
  const changes = names
    .filter((name) => at(first, name) !== at(current, name))
    .map((name) => `${name} ${at(first, name)} → ${at(current, name)}`);
  const what =
    version === 1n
      ? "parameters: version 1 is in force"
      : `parameters: version ${version} is in force, by vote: ${changes.join(", ") || "the first numbers again"}`;
  return { what, ok: true, found: `version ${version}` };
};

const pausing = (guardian: string): string =>
  guardian === ZERO_ADDRESS
    ? "parameters: nobody can pause"
    : `parameters: ${guardian} alone can pause new agreements`;

/** The deployment names the first guardian, and only votes another. */
const guardianFinding = async (
  rpc: JsonRpcProvider,
  contract: Contract,
  named: string,
  startBlock: number,
): Promise<Finding> => {
  const address = await contract.getAddress();
  const logs = await logsSince(rpc, startBlock, { address, topics: [id("GuardianSet(address)")] });
  const [first = ZERO_ADDRESS] = logs.map(({ topics }) =>
    getAddress(dataSlice(topics[1] ?? "", 12)),
  );
  const found = String(await contract.getFunction("guardian")());
  if (first.toLowerCase() !== named.toLowerCase()) {
    return { what: pausing(named), ok: false, found: `${first} at the deployment, now ${found}` };
  }
  return { what: `${pausing(found)}${found === first ? "" : ", by vote"}`, ok: true, found };
};

export interface ExpectedParameters {
  readonly deployment: Deployment;
  readonly file: ParameterFile;
  readonly guardian: string;
  readonly treasury: string | undefined;
}

/** Version 1 and the bounds are the file's for good; later versions and guardians are told as they are in force. */
export const parameterFindings = async (
  rpc: JsonRpcProvider,
  at: Chain,
  timelock: string,
  { deployment, file, guardian, treasury = timelock }: ExpectedParameters,
): Promise<Finding[]> => {
  const contract = at("Parameters", deployment.contracts.parameters);
  const [version, current] = (await contract.getFunction("current")()) as [bigint, object];
  const first = (await contract.getFunction("paramsAt")(1)) as object;
  const [min, max] = (await contract.getFunction("bounds")()) as [object, object];
  const { disputes } = deployment.contracts;
  const wanted = paramsOf(file.first, { treasury, disputes });
  const wrong = [
    ...differing(first, wanted),
    ...differing(min, paramsOf(file.min)).map((name) => `min.${name}`),
    ...differing(max, paramsOf(file.max)).map((name) => `max.${name}`),
  ];
  return [
    await expects(contract, "parameters: the timelock alone adds versions", "governor", timelock),
    await guardianFinding(rpc, contract, guardian, deployment.startBlock),
    {
      what: "parameters: the first numbers, bounds, treasury and dispute game are the file's",
      ok: wrong.length === 0,
      found: `others: ${wrong.join(", ")}`,
    },
    votedFinding(version, first, current, Object.keys(wanted)),
  ];
};
