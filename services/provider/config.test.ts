import assert from "node:assert/strict";
import { test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { environmentOf } from "./config.ts";

const NAMED = {
  ASSAY_PROVIDER_KEY_FILE: "/key",
  ASSAY_PROVIDER_RPC_URL: "http://127.0.0.1:1",
  ASSAY_PROVIDER_API_URL: "http://127.0.0.1:2",
  ASSAY_PROVIDER_STATE_DIR: "/state",
};

test("threads and lanes: what an owner who says nothing gets, and what may be said", () => {
  const silent = environmentOf(NAMED);
  assert.equal(silent.ASSAY_PROVIDER_THREADS, "auto");
  assert.equal(silent.ASSAY_PROVIDER_LANES, "narrow");
  const said = environmentOf({
    ...NAMED,
    ASSAY_PROVIDER_THREADS: "3",
    ASSAY_PROVIDER_LANES: "wide",
  });
  assert.equal(said.ASSAY_PROVIDER_THREADS, 3);
  assert.equal(said.ASSAY_PROVIDER_LANES, "wide");
});

test("threads and lanes that do not exist are refused", () => {
  for (const bad of [
    { ASSAY_PROVIDER_THREADS: "0" },
    { ASSAY_PROVIDER_THREADS: "65" },
    { ASSAY_PROVIDER_THREADS: "1.5" },
    { ASSAY_PROVIDER_THREADS: "all" },
    { ASSAY_PROVIDER_LANES: "256" },
  ])
    assert.throws(
      () => environmentOf({ ...NAMED, ...bad }),
      (error) => isAssayError(error, "CONFIG_INVALID"),
      JSON.stringify(bad),
    );
});
