/** Audits for one stake: what the chain says of a job's audit, and the transactions of an auditor. */
import { traceRootOf } from "@assay/protocol/commitments/bindings";
import { nodeHasher } from "@assay/engine/trace/hasher";
import type { Job, Terms } from "@assay/protocol/domain/messages";
import { stakingAbi } from "@assay/protocol/generated/abis";
import type { Deployment } from "@assay/protocol/wire/api";
import { read } from "@assay/sdk/chain/read";
import type { AssayContext } from "@assay/sdk/context";
import {
  auditCommitment,
  auditOf,
  claimAuditCall,
  claimRewardCall,
  commitAuditCall,
  nextDrawCall,
  revealAuditCall,
  revealDissentCall,
  type AuditView,
} from "@assay/sdk/disputes/audits";
import type { DisputeCall } from "@assay/sdk/disputes/moves";
import { concatHex, isAddressEqual, keccak256, stringToHex, zeroAddress } from "viem";
import type { Address, Hex } from "viem";
import type { RunRoots } from "../replay/messages.ts";
import type { AuditStep } from "./decide.ts";

export interface Auditing {
  readonly auditor: Address;
  readonly challenger: Address;
  /** Whether this stake may be drawn for a job at all. */
  mayAudit(terms: Terms): Promise<boolean>;
  /** Throws CHAIN_UNREACHABLE. */
  view(terms: Terms): Promise<AuditView>;
  /** What is committed to with a run of ours: the same at every start, with a salt that nobody else knows. */
  commitment(jobId: Hex, traceRoot: Hex): Hex;
  /** Does a step; returns the transaction, or nothing where the contract does not take it yet. Throws the contract's DISPUTE_… */
  act(step: AuditStep, job: Job): Promise<Hex | undefined>;
}

export interface AuditingParts {
  readonly context: AssayContext;
  readonly deployment: Deployment;
  /** Whose stake it is: the key's own, or of one that the key is an operator of. */
  readonly auditor: Address;
  /** The key that sends. */
  readonly sender: Address;
  /** The journal's secret. */
  readonly secret: Hex;
  /** Sends a call once under a key that says what it is. */
  readonly send: (key: string, call: DisputeCall) => Promise<Hex>;
}

/** The root that a submission of this run would have. */
export const traceRootOfRun = ({ checkpoint, ...roots }: RunRoots): Hex =>
  traceRootOf(nodeHasher, { n: checkpoint, ...roots });

export const createAuditing = (parts: AuditingParts): Auditing => {
  const { context, auditor } = parts;
  const saltOf = (jobId: Hex): Hex =>
    keccak256(concatHex([parts.secret, jobId, auditor, stringToHex("audit")]));

  const callOf = (step: AuditStep, job: Job): DisputeCall | undefined => {
    const { jobId } = job.terms;
    switch (step.audit) {
      case "commit": {
        const made = auditCommitment(jobId, auditor, step.traceRoot, saltOf(jobId));
        return commitAuditCall(job.terms, auditor, made);
      }
      case "show":
        return revealAuditCall(job, auditor, saltOf(jobId));
      case "claim":
        return claimAuditCall(job, auditor);
      case "dissent":
        return revealDissentCall(job, auditor, step.traceRoot, saltOf(jobId));
      case "claim reward":
        return claimRewardCall(job.terms, step.account);
      default:
        return undefined;
    }
  };

  return {
    auditor,
    challenger: parts.sender,
    mayAudit: async ({ auditLine, disputes, provider }) => {
      if (auditLine === 0n || disputes === zeroAddress || isAddressEqual(provider, auditor))
        return false;
      const { staking } = parts.deployment.contracts;
      const votes = await read(context, {
        address: staking,
        abi: stakingAbi,
        functionName: "getVotes",
        args: [auditor],
      });
      return votes > 0n;
    },
    view: (terms) => auditOf(context, terms, auditor),
    commitment: (jobId, traceRoot) => auditCommitment(jobId, auditor, traceRoot, saltOf(jobId)),
    act: async (step, job) => {
      const call = callOf(step, job) ?? (await nextDrawCall(context, job, parts.sender));
      if (call === undefined) return undefined;
      // A draw whose round was let pass is read again.
      const which = step.audit === "draw" ? Date.now() : auditor;
      return parts.send([call.functionName, job.terms.jobId, which].join(":"), call);
    },
  };
};
