/** Why a node or a contract would not have a transaction. */
import { contractError, revertDataOf } from "@assay/protocol/chain/contract-errors";
import { AssayError } from "@assay/protocol/errors";
import { BaseError, type Abi, type Address, type TransactionReceipt } from "viem";

/** Why a node would not take a transaction, in the words of the common implementations. */
export const reasonOf = (error: unknown): "known" | "nonce" | "underpriced" | "other" => {
  const text = messagesOf(error).toLowerCase();
  if (/already known|already imported|known transaction/.test(text)) return "known";
  if (/underpriced|fee too low|max fee per gas less than block/.test(text)) return "underpriced";
  if (/nonce/.test(text)) return "nonce";
  return "other";
};

/** The contract's own error, `GAS_FUNDS_MISSING`, or the error as it came. */
export const refusalOf = (
  error: unknown,
  call: { readonly sender: Address; readonly name: string; readonly abi: Abi },
): unknown => {
  const data = revertDataOf(error);
  if (data !== undefined) return contractError(data, call.abi, { functionName: call.name });
  if (/insufficient funds/i.test(messagesOf(error)))
    return new AssayError(
      "GAS_FUNDS_MISSING",
      `${call.sender} cannot pay for the gas of ${call.name}.`,
      {
        remedy: `Send native currency to ${call.sender}.`,
        cause: error,
      },
    );
  return error;
};

export const revertedWithoutReason = (name: string, receipt: TransactionReceipt): AssayError =>
  new AssayError(
    "TRANSACTION_REVERTED",
    `${name} was mined but reverted, and a repeated call does not.`,
    {
      remedy: "Try again.",
      retryable: true,
      details: { hash: receipt.transactionHash, gasUsed: receipt.gasUsed },
    },
  );

const messagesOf = (error: unknown): string => {
  const parts: string[] = [];
  for (let current = error; current instanceof Error && parts.length < 12; current = current.cause)
    parts.push(
      current instanceof BaseError
        ? `${current.name} ${current.shortMessage} ${current.details}`
        : current.message,
    );
  return parts.join("\n");
};
