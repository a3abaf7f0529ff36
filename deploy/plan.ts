/** The addresses that contracts take before they exist: they follow from the deployer's nonce. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { AssayError } from "@assay/protocol/errors";
import { type JsonRpcProvider, Transaction, getCreateAddress } from "ethers";

import { ASSAY_TRANSACTIONS, BEFORE_DISPUTES, BEFORE_MARKET } from "./modules/assay.ts";
import { readSent } from "./sent.ts";

/** What a deployment was begun with: it goes on with the same or not at all. */
export interface Beginning {
  readonly chainId: number;
  readonly deployer: string;
  /** Hash of the parameters and everything else that was given. */
  readonly given: string;
}

export interface Plan extends Beginning {
  readonly startBlock: number;
  /** Of the first transaction after this was written. */
  readonly nonce: number;
  readonly market: string;
  readonly disputes: string;
  readonly stakeGovernor: string;
}

const refuse = (journal: string, what: string): AssayError =>
  new AssayError("DEPLOY_OTHER_DEPLOYMENT", `${journal} holds a deployment with ${what}`, {
    remedy: "go on with the same key, chain and parameters, or begin anew in another folder",
  });

const readPlan = (file: string, journal: string, now: Beginning): Plan => {
  const plan = JSON.parse(readFileSync(file, "utf8")) as Plan;
  if (plan.chainId !== now.chainId) throw refuse(journal, `chain ${plan.chainId}`);
  if (plan.deployer !== now.deployer) throw refuse(journal, `the key of ${plan.deployer}`);
  if (plan.given !== now.given) throw refuse(journal, "other parameters");
  return plan;
};

/**
 * Made once, and kept beside the journals for a deployment that goes on later.
 * @throws `DEPLOY_OTHER_DEPLOYMENT`, `DEPLOY_NONCE_TAKEN`
 */
export const planOf = async (
  rpc: JsonRpcProvider,
  now: Beginning,
  governed: boolean,
  startBlock: number,
  journal: string | undefined,
): Promise<Plan> => {
  const { deployer: from } = now;
  const file = journal === undefined ? undefined : join(journal, "plan.json");
  if (journal !== undefined && file !== undefined && existsSync(file)) {
    const plan = readPlan(file, journal, now);
    await requireOwnNonces(rpc, plan, governed, journal);
    return plan;
  }
  const nonce = await rpc.getTransactionCount(from);
  const assay = nonce + (governed ? 1 : 0);
  const plan: Plan = {
    ...now,
    startBlock,
    nonce,
    market: getCreateAddress({ from, nonce: assay + BEFORE_MARKET }),
    disputes: getCreateAddress({ from, nonce: assay + BEFORE_DISPUTES }),
    stakeGovernor: getCreateAddress({ from, nonce: assay + ASSAY_TRANSACTIONS }),
  };
  if (journal !== undefined && file !== undefined) {
    mkdirSync(journal, { recursive: true });
    writeFileSync(`${file}.new`, `${JSON.stringify(plan, null, 2)}\n`, { flush: true });
    renameSync(`${file}.new`, file);
  }
  return plan;
};

/** A transaction of the key that is none of this deployment's has taken a nonce that an address was computed from. */
const requireOwnNonces = async (
  rpc: JsonRpcProvider,
  plan: Plan,
  governed: boolean,
  journal: string,
): Promise<void> => {
  const sent = readSent(journal).filter(
    ({ raw }) => Transaction.from(raw).nonce >= plan.nonce,
  ).length;
  const all = ASSAY_TRANSACTIONS + (governed ? 2 : 0);
  const used = (await rpc.getTransactionCount(plan.deployer)) - plan.nonce;
  if (sent >= all || used <= sent) return;
  throw new AssayError(
    "DEPLOY_NONCE_TAKEN",
    `${plan.deployer} has sent ${used - sent} transactions that are not this deployment's: the market cannot get its address any more`,
    {
      remedy:
        "begin anew in another folder, and send nothing else with the key meanwhile; what was deployed holds no money and nobody has a power over it",
    },
  );
};
