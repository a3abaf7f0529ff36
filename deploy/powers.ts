/** Who can do what in a deployment, read from the chain: the check that its deployer kept nothing. */
import type { Deployment } from "@assay/protocol/wire/api";
import { Contract, Interface, type JsonRpcProvider, id } from "ethers";

import { loadArtifact } from "./artifacts.ts";
import { type Finding, codeFindings } from "./code.ts";
import { type Chain, expects, parameterFindings } from "./in-force.ts";
import { logsSince } from "./logs.ts";
import { type ParameterFile, ZERO_ADDRESS } from "./parameters.ts";

export interface Expected {
  readonly deployment: Deployment;
  /** Every contract that was made, by name. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly deployer: string;
  readonly file: ParameterFile;
  readonly guardian: string;
  /** The timelock where absent. */
  readonly treasury: string | undefined;
}

const ROLES = ["DEFAULT_ADMIN_ROLE", "PROPOSER_ROLE", "CANCELLER_ROLE", "EXECUTOR_ROLE"] as const;
const list = (found: Iterable<string>): string => [...found].join(", ") || "nobody";

const sameSet = (a: Iterable<string>, b: Iterable<string>): boolean =>
  JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());

/** Holders of each role, from every event since the first block: nothing can be granted without one. */
const holdersOf = async (
  rpc: JsonRpcProvider,
  timelock: string,
  from: number,
): Promise<Map<string, Set<string>>> => {
  const events = new Interface(loadArtifact("Timelock").abi as object[]);
  const topics = [
    [id("RoleGranted(bytes32,address,address)"), id("RoleRevoked(bytes32,address,address)")],
  ];
  const holders = new Map<string, Set<string>>();
  for (const log of await logsSince(rpc, from, { address: timelock, topics })) {
    const event = events.parseLog(log);
    if (event === null) continue;
    const [role, account] = event.args as unknown as [string, string];
    const held = holders.get(role) ?? new Set();
    if (event.name === "RoleGranted") held.add(account);
    else held.delete(account);
    holders.set(role, held);
  }
  return holders;
};

const timelockFindings = async (
  rpc: JsonRpcProvider,
  at: Chain,
  timelock: string,
  { deployment, deployer, file }: Expected,
): Promise<Finding[]> => {
  const contract = at("Timelock", timelock);
  const holders = await holdersOf(rpc, timelock, deployment.startBlock);
  const governor = deployment.contracts.governor ?? ZERO_ADDRESS;
  const shouldHold: Record<(typeof ROLES)[number], string> = {
    DEFAULT_ADMIN_ROLE: timelock,
    PROPOSER_ROLE: governor,
    CANCELLER_ROLE: governor,
    // Anyone may carry out what was decided and has waited.
    EXECUTOR_ROLE: ZERO_ADDRESS,
  };
  const findings: Finding[] = [];
  const known = new Set<string>();
  for (const role of ROLES) {
    const hash = String(await contract.getFunction(role)());
    known.add(hash);
    const held = holders.get(hash) ?? new Set();
    const has = (await contract.getFunction("hasRole")(hash, deployer)) as boolean;
    findings.push({
      what: `timelock: ${role} is held by ${shouldHold[role]} alone`,
      ok: !has && sameSet(held, [shouldHold[role]]),
      found: has ? `${list(held)}, and the deployer` : list(held),
    });
  }
  const others = [...holders].filter(([role, held]) => !known.has(role) && held.size > 0);
  findings.push({
    what: "timelock: no other role is held",
    ok: others.length === 0,
    found: list(others.map(([role]) => role)),
  });
  const delay = Number(await contract.getFunction("getMinDelay")());
  findings.push({
    what: `timelock: waits ${file.governance.timelockDelay} s`,
    ok: delay === file.governance.timelockDelay,
    found: `${delay} s`,
  });
  return findings;
};

const governorFindings = async (
  at: Chain,
  timelock: string,
  { deployment, file: { governance } }: Expected,
): Promise<Finding[]> => {
  const { governor, staking } = deployment.contracts;
  if (governor === undefined) {
    return [{ what: "a governor by stake is deployed", ok: false, found: "none" }];
  }
  const contract = at("StakeGovernor", governor);
  const settings = [
    ["votingDelay", governance.votingDelay],
    ["votingPeriod", governance.votingPeriod],
    ["proposalThreshold", governance.proposalThreshold],
    ["quorumBps", governance.quorumBps],
  ] as const;
  return [
    await expects(contract, "governor: votes with the stake", "token", staking),
    await expects(contract, "governor: acts through the timelock alone", "timelock", timelock),
    ...(await Promise.all(
      settings.map(([name, value]) =>
        expects(contract, `governor: ${name} is ${value}`, name, String(value)),
      ),
    )),
  ];
};

const moneyFindings = async (
  at: Chain,
  { deployment: { contracts }, deployer }: Expected,
): Promise<Finding[]> => {
  const number = async (name: string, address: string, ask: string, ...args: string[]) =>
    BigInt(String(await at(name, address).getFunction(ask)(...args)));
  const allowance = await number(
    "TestToken",
    contracts.token,
    "allowance",
    deployer,
    contracts.market,
  );
  const votes = await number("Staking", contracts.staking, "getVotes", deployer);
  const free = await number("ILedger", contracts.market, "freeBalance", deployer);
  return [
    {
      what: "token: nothing of the deployer's is left allowed",
      ok: allowance === 0n,
      found: `${allowance}`,
    },
    { what: "staking: the deployer has no votes", ok: votes === 0n, found: `${votes}` },
    { what: "market: the deployer has no balance", ok: free === 0n, found: `${free}` },
  ];
};

/** Everything that is asked of the chain, in the order that it is printed. */
export const readPowers = async (rpc: JsonRpcProvider, expected: Expected): Promise<Finding[]> => {
  const { deployment, deployer, addresses } = expected;
  const at: Chain = (name, address) => new Contract(address, loadArtifact(name).abi as [], rpc);
  const timelock = addresses["Timelock"] ?? ZERO_ADDRESS;
  const { market } = deployment.contracts;
  const sidePaths = addresses["SidePaths"] ?? ZERO_ADDRESS;
  return [
    ...(await timelockFindings(rpc, at, timelock, expected)),
    ...(await governorFindings(at, timelock, expected)),
    ...(await parameterFindings(rpc, at, timelock, expected)),
    await expects(at("Market", market), "market: runs its side paths", "sidePaths", sidePaths),
    ...(await moneyFindings(at, expected)),
    ...(await codeFindings(rpc, addresses, deployment.contracts.token, deployer)),
  ];
};
