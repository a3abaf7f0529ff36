import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatUnits } from "viem";
import { formatAmount } from "./amount.ts";

describe("formatAmount", () => {
  test("default: two decimals at least, none lost", () => {
    const token = { symbol: "tUSD", decimals: 6 };
    assert.equal(formatAmount(0n, token), "0.00 tUSD");
    assert.equal(formatAmount(1_200_000n, token), "1.20 tUSD");
    assert.equal(formatAmount(1_937n, token), "0.001937 tUSD");
    assert.equal(formatAmount(-5n, token), "-0.000005 tUSD");
    assert.equal(formatAmount(7n, { symbol: "X", decimals: 0 }), "7.00 X");
  });

  test("behavior: says the same number as viem, for any amount and token", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 128n), max: 2n ** 128n }),
        fc.integer({ min: 0, max: 24 }),
        (amount, decimals) => {
          const [number = "", symbol] = formatAmount(amount, { symbol: "T", decimals }).split(" ");
          assert.equal(symbol, "T");
          assert.match(number, /^-?[0-9]+\.[0-9]{2,}$/);
          const trimmed = number.replace(/\.?0+$/, "");
          assert.equal(trimmed === "" ? "0" : trimmed, trimZeros(formatUnits(amount, decimals)));
        },
      ),
    );
  });
});

const trimZeros = (text: string): string =>
  text.includes(".") ? text.replace(/\.?0+$/, "") : text;
