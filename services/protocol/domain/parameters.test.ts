import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parametersAbi } from "../generated/abis.ts";
import { PARAMETER_NAMES, formatParameter } from "./parameters.ts";

const token = { symbol: "tUSD", decimals: 6 };

describe("governed parameters", () => {
  test("default: every field of the contract's struct, in its order", () => {
    const add = parametersAbi.find((item) => item.type === "function" && item.name === "add");
    assert.ok(add !== undefined && "inputs" in add);
    const [struct] = add.inputs as readonly { components: readonly { name: string }[] }[];
    assert.deepEqual(
      PARAMETER_NAMES,
      struct?.components.map(({ name }) => name),
    );
  });

  test("behavior: values read as people say them", () => {
    assert.equal(formatParameter("challengeWindow", 86_400, token), "1 day");
    assert.equal(formatParameter("challengeWindow", 5_400, token), "90 minutes");
    assert.equal(formatParameter("challengeWindow", 61, token), "61 seconds");
    assert.equal(formatParameter("protocolFeeBps", 250, token), "2.5 %");
    assert.match(formatParameter("challengeBond", 50_000_000n, token), /^50(\.0+)? tUSD$/);
    assert.equal(formatParameter("treasury", "0x1", token), "0x1");
  });
});
