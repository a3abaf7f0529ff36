import assert from "node:assert/strict";
import { test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { engineWish, maxDataBytes } from "./engine-options.ts";

test("threads are a number or `auto`, lanes are narrow or wide", () => {
  assert.deepEqual(engineWish({ threads: "auto", lanes: "narrow" }), {
    lanes: "narrow",
    threads: "auto",
  });
  assert.deepEqual(engineWish({ threads: "64", lanes: "wide" }), { lanes: "wide", threads: 64 });
});

test("anything else is refused with its code", () => {
  for (const threads of ["0", "65", "1.5", "-1", "", "many"])
    assert.throws(
      () => engineWish({ threads, lanes: "narrow" }),
      (error) => isAssayError(error, "USAGE_BAD_NUMBER"),
      threads,
    );
  assert.throws(
    () => engineWish({ threads: "1", lanes: "512" }),
    (error) => isAssayError(error, "USAGE_BAD_LANES"),
  );
});

test("the largest data set is given in MiB", () => {
  assert.equal(maxDataBytes({ maxData: "1" }), 2 ** 20);
  assert.equal(maxDataBytes({ maxData: "16384" }), 2 ** 34);
  for (const maxData of ["0", "-1", "1.5", "", "4G"])
    assert.throws(
      () => maxDataBytes({ maxData }),
      (error) => isAssayError(error, "USAGE_BAD_NUMBER"),
      maxData,
    );
});
