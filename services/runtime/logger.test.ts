import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createLogger } from "./logger.ts";

const logged = (write: (logger: ReturnType<typeof createLogger>) => void): string => {
  const lines: string[] = [];
  write(createLogger({ name: "part", destination: { write: (line) => lines.push(line) } }));
  return lines.join("");
};

describe("createLogger", () => {
  test("default: one JSON line with amounts as decimal strings, however deep", () => {
    const line = logged((logger) =>
      logger.info({ amount: 5n, terms: { price: 10n ** 30n, list: [1n] } }, "paid"),
    );
    const { name, level, amount, terms, msg } = JSON.parse(line) as Record<string, unknown>;
    assert.deepEqual(
      { name, level, amount, terms, msg },
      {
        name: "part",
        level: "info",
        amount: "5",
        terms: { price: (10n ** 30n).toString(), list: ["1"] },
        msg: "paid",
      },
    );
  });

  test("behavior: keys and tokens are not printed", () => {
    const line = logged((logger) =>
      logger.info({ account: { privateKey: "0xsecret" }, authorization: "Bearer secret" }, "x"),
    );
    assert.doesNotMatch(line, /secret/);
  });
});
