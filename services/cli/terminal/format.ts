/** Numbers as people read them. */
import { parseUnits } from "viem";
import { formatAmount, type Token } from "@assay/protocol/domain/amount";
import { AssayError } from "@assay/protocol/errors";

export { formatAmount, type Token };

/** Token base units of a decimal text such as `1.20`. */
export const parseAmount = (text: string, token: Token): bigint => {
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text) || (text.split(".")[1] ?? "").length > token.decimals) {
    throw new AssayError("USAGE_BAD_AMOUNT", `“${text}” is not an amount of ${token.symbol}`, {
      remedy: `write a decimal number with at most ${token.decimals} decimals, such as 1.20`,
    });
  }
  return parseUnits(text, token.decimals);
};

/** Price of 10⁹ work units from the fixed point price of one. */
export const formatUnitPrice = (unitPrice: bigint, token: Token): string =>
  `${formatAmount((unitPrice * 10n ** 9n) / 10n ** 18n, token)}/Gop`;

export const formatSeconds = (seconds: number): string => {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  if (seconds < 5400) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
};

const PREFIXES = ["", "k", "M", "G", "T", "P", "E"];

/** `31.4 G`: three significant digits with an SI prefix. */
export const formatCount = (count: bigint | number): string => {
  let value = Number(count);
  let at = 0;
  while (value >= 1000 && at < PREFIXES.length - 1) {
    value /= 1000;
    at += 1;
  }
  return at === 0 ? String(value) : `${value.toPrecision(3)} ${PREFIXES[at] ?? ""}`;
};

/** `0x1234…cdef` */
export const shortHex = (text: string): string =>
  text.length <= 14 ? text : `${text.slice(0, 8)}…${text.slice(-6)}`;

export const formatPercent = (share: number): string => `${(share * 100).toFixed(2)} %`;
