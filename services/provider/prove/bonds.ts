/**
 * Brings the bond of a game that this provider begins: out of its free balance and its wallet, and lets the game take it. The game says
 * itself what it lacks, so that nothing is moved for one that takes no bond or was begun already.
 */
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { Logger } from "@assay/runtime/logger";
import type { Payment, PaymentCall } from "@assay/sdk/disputes/payment";
import type { Address, Hex } from "viem";

/** What the owner lets the agent do. Token base units. */
export interface BondTerms {
  readonly provider: Address;
  /** Whether the agent's key is the provider's own: no other can spend the provider's money. */
  readonly isOwnKey: boolean;
  /** Most to bring for one game; undefined: whatever the contract asks. */
  readonly most: bigint | undefined;
  /** What the provider lacks to pay this amount. */
  readonly paymentOf: (disputes: Address, amount: bigint) => Promise<Payment>;
}

export interface BondParts extends BondTerms {
  /** Sends under a key that says what it is. */
  readonly send: (key: string, call: PaymentCall) => Promise<bigint>;
  readonly logger: Logger;
}

/** The game that a bond is for. */
interface Stake {
  readonly disputes: Address;
  readonly jobId: Hex;
  /** The two jobs that play, as one word. */
  readonly pair: string;
}

export interface Bonds {
  /**
   * Runs what begins a game; where its bond is not there brings it and runs that again. One after the other, as two at once would count
   * on the same money. @throws PROVER_BOND_TOO_HIGH, PROVER_BOND_MISSING, PROVER_BOND_NOT_ALLOWED
   */
  covering<T>(stake: Stake, begin: () => Promise<T>): Promise<T>;
}

/** The bond that the ledger did not give, where that is why a call was refused. */
const bondRefused = (error: unknown): bigint | undefined => {
  const short =
    isAssayError(error, "LEDGER_NOT_ALLOWED") || isAssayError(error, "LEDGER_INSUFFICIENT_BALANCE");
  const needed = short ? error.details["needed"] : undefined;
  return typeof needed === "bigint" ? needed : undefined;
};

export const createBonds = (parts: BondParts): Bonds => {
  const { provider, most, logger } = parts;

  const refusal = (bond: bigint, { missing, wallet, calls }: Payment): AssayError | undefined => {
    const details = { bond, missing, provider };
    if (!parts.isOwnKey && calls.some(({ functionName }) => functionName === "allowModule"))
      return new AssayError(
        "PROVER_BOND_NOT_ALLOWED",
        `an operator's key cannot let the game take the bond of ${bond} from ${provider}`,
        {
          remedy: "With the provider's own key: assay provider bonds AMOUNT",
          retryable: true,
          details,
        },
      );
    if (most !== undefined && bond > most)
      return new AssayError("PROVER_BOND_TOO_HIGH", `the bond is ${bond}, ${most} allowed`, {
        remedy: "Raise ASSAY_PROVIDER_MAX_BOND (assay provider start --max-bond).",
        retryable: true,
        details: { ...details, most },
      });
    if (missing === 0n || (parts.isOwnKey && wallet >= missing)) return undefined;
    return new AssayError("PROVER_BOND_MISSING", `of the bond of ${bond} ${missing} are missing`, {
      remedy: parts.isOwnKey
        ? `Send tokens to ${provider}, or deposit them in the market for it.`
        : `Deposit tokens in the market for ${provider}: an operator's key does not pay for it.`,
      retryable: true,
      details,
    });
  };

  const bring = async ({ disputes, jobId, pair }: Stake, bond: bigint): Promise<void> => {
    const payment = await parts.paymentOf(disputes, bond);
    const refused = refusal(bond, payment);
    if (refused !== undefined) throw refused;
    for (const call of payment.calls)
      await parts.send(["bond", pair, call.functionName, call.args[1]].join(":"), call);
    logger.info({ jobId, bond, deposited: payment.missing }, "brought the bond of a game");
  };

  let lane: Promise<unknown> = Promise.resolve();
  return {
    covering: (stake, begin) => {
      const run = lane.then(async () => {
        try {
          return await begin();
        } catch (error) {
          const bond = bondRefused(error);
          if (bond === undefined) throw error;
          await bring(stake, bond);
          return begin();
        }
      });
      lane = run.catch(() => undefined);
      return run;
    },
  };
};
