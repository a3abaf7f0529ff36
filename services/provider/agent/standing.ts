/** What must be on chain before an agent can sign for anything. */
import { AssayError } from "@assay/protocol/errors";
import { stakingAbi } from "@assay/protocol/generated/abis";
import { stakeOf } from "@assay/sdk/actions/stake";
import { read } from "@assay/sdk/chain/read";
import type { Logger } from "@assay/runtime/logger";
import type { AssayContext } from "@assay/sdk/context";
import type { Address } from "viem";

const isOperator = async (
  context: AssayContext,
  provider: Address,
  key: Address,
): Promise<boolean> => {
  const { contracts } = await context.deployment();
  return read(context, {
    address: contracts.staking,
    abi: stakingAbi,
    functionName: "isOperator",
    args: [provider, key],
  });
};

export interface StandingParts {
  readonly context: AssayContext;
  readonly key: Address;
  readonly provider: Address;
  /** There are jobs to finish; collateral may be locked for them where no stake is free. */
  readonly bound: boolean;
  /** Repeats a question that may be answered later. */
  readonly patient: (question: () => Promise<void>) => Promise<void>;
  readonly logger: Pick<Logger, "warn">;
}

/** As {@link requireStanding}, but jobs that were signed for are finished whatever the standing is. */
export const checkStanding = async (parts: StandingParts): Promise<void> => {
  const { context, key, provider, bound, patient, logger } = parts;
  const question = () => requireStanding(context, key, provider);
  if (!bound) return patient(question);
  await question().catch((error: unknown) => {
    logger.warn({ err: error }, "only the jobs that are open go on");
  });
};

/** The key may sign for the provider, and there is stake to sign for. @throws OPERATOR_NOT_ALLOWED, STAKE_MISSING, CHAIN_UNREACHABLE */
const requireStanding = async (
  context: AssayContext,
  key: Address,
  provider: Address,
): Promise<void> => {
  if (key !== provider && !(await isOperator(context, provider, key)))
    throw new AssayError("OPERATOR_NOT_ALLOWED", `${key} may not act for ${provider}`, {
      remedy: `With the provider's own key: assay provider stake <amount> --operator ${key}`,
      details: { key, provider },
    });
  const { total, leaving } = await stakeOf(context, provider);
  if (total > leaving) return;
  throw new AssayError("STAKE_MISSING", `${provider} has no stake, so no job can be agreed`, {
    remedy: "Stake first: assay provider stake 100",
    details: { provider, total, leaving },
  });
};
