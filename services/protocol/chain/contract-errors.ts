/** Reads what a contract said when it refused. */
import { AssayError } from "../errors.ts";
import {
  BaseError,
  HttpRequestError,
  TimeoutError,
  WebSocketRequestError,
  decodeErrorResult,
  isHex,
  type Abi,
  type Hex,
} from "viem";

/** `MarketAboveMaximum` → `MARKET_ABOVE_MAXIMUM`. */
export const codeOfErrorName = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .toUpperCase();

/** Revert data anywhere in an RPC error's causes, in the shapes that clients and nodes use. */
export const revertDataOf = (error: unknown): Hex | undefined => {
  let current: unknown = error;
  for (let depth = 0; depth < 12 && current instanceof Object; depth++) {
    const found = hexIn((current as { data?: unknown }).data);
    if (found !== undefined) return found;
    current = (current as { cause?: unknown }).cause;
  }
  return undefined;
};

const hexIn = (data: unknown): Hex | undefined => {
  if (typeof data === "string" && isHex(data)) return data;
  if (data instanceof Object && "data" in data) return hexIn(data.data);
  return undefined;
};

/** An AssayError for revert data: the custom error's name as code, its arguments by name as details. */
export const contractError = (
  data: Hex,
  abi: Abi,
  more: Readonly<Record<string, unknown>> = {},
): AssayError => {
  try {
    const { errorName, args, abiItem } = decodeErrorResult({ abi, data });
    const inputs = "inputs" in abiItem ? (abiItem.inputs ?? []) : [];
    const named = Object.fromEntries(
      (args ?? []).map((value, place) => [inputs[place]?.name || String(place), value]),
    );
    const shown = Object.entries(named)
      .map(([key, value]) => `${key} ${String(value)}`)
      .join(", ");
    return new AssayError(
      codeOfErrorName(errorName),
      `The contract refused: ${errorName}${shown ? ` (${shown})` : ""}.`,
      { details: { ...named, ...more } },
    );
  } catch {
    return new AssayError(
      "CONTRACT_REVERTED",
      data === "0x"
        ? "The contract refused without saying why."
        : `The contract refused with data that no known error explains: ${data.slice(0, 10)}.`,
      { details: { data, ...more } },
    );
  }
};

/** Whether an error is the connection's or the node's own, so that the same call may succeed a moment later. */
export const isTransportError = (error: unknown): boolean => {
  if (!(error instanceof BaseError)) return false;
  return (
    error.walk(
      (one) =>
        one instanceof HttpRequestError ||
        one instanceof TimeoutError ||
        one instanceof WebSocketRequestError,
    ) !== null
  );
};
