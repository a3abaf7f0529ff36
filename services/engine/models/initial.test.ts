import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sketch } from "../builder/evaluate.ts";
import {
  type Initializer,
  kaimingNormal,
  kaimingUniform,
  uniformWith,
  xavierUniform,
} from "./initial.ts";

const FAN = { in: 50, out: 150 } as const;

const spread = async (initializer: Initializer): Promise<number> => {
  const [values = []] = await new Sketch().run([initializer(1, [100, 100], FAN)], 9n);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  assert.ok(Math.abs(mean) < 0.01);
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
};

describe("initial weights have the documented deviation", () => {
  for (const [name, initializer, deviation] of [
    ["Kaiming, uniform", kaimingUniform(), Math.sqrt(2 / FAN.in)],
    ["Kaiming, normal", kaimingNormal(), Math.sqrt(2 / FAN.in)],
    ["Xavier", xavierUniform(), Math.sqrt(2 / (FAN.in + FAN.out))],
    ["fixed", uniformWith(0.02), 0.02],
  ] as const)
    it(name, async () => {
      assert.ok(Math.abs((await spread(initializer)) / deviation - 1) < 0.03);
    });
});
