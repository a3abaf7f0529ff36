/** Amounts of the market's token as people read them. */
export interface Token {
  readonly symbol: string;
  readonly decimals: number;
}

/** `1.20 USDT` from base units: at least two decimals, never rounded. */
export const formatAmount = (amount: bigint, { symbol, decimals }: Token): string => {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, "0");
  const point = digits.length - decimals;
  const fraction = digits.slice(point).replace(/0+$/, "").padEnd(2, "0");
  return `${amount < 0n ? "-" : ""}${digits.slice(0, point)}.${fraction} ${symbol}`;
};
