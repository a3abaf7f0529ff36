import assert from "node:assert/strict";
import { test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { environmentOf } from "./config.ts";

const NAMED = {
  ASSAY_WATCHER_KEY_FILE: "/key",
  ASSAY_WATCHER_RPC_URL: "http://127.0.0.1:1",
  ASSAY_WATCHER_API_URL: "http://127.0.0.1:2",
  ASSAY_WATCHER_STATE_DIR: "/state",
};

test("threads and lanes: what an owner who says nothing gets, and what may be said", () => {
  const silent = environmentOf(NAMED);
  assert.equal(silent.ASSAY_WATCHER_THREADS, "auto");
  assert.equal(silent.ASSAY_WATCHER_LANES, "narrow");
  const said = environmentOf({
    ...NAMED,
    ASSAY_WATCHER_THREADS: "3",
    ASSAY_WATCHER_LANES: "wide",
  });
  assert.equal(said.ASSAY_WATCHER_THREADS, 3);
  assert.equal(said.ASSAY_WATCHER_LANES, "wide");
});

test("threads and lanes that do not exist are refused", () => {
  for (const bad of [
    { ASSAY_WATCHER_THREADS: "0" },
    { ASSAY_WATCHER_THREADS: "65" },
    { ASSAY_WATCHER_THREADS: "1.5" },
    { ASSAY_WATCHER_THREADS: "all" },
    { ASSAY_WATCHER_LANES: "256" },
  ])
    assert.throws(
      () => environmentOf({ ...NAMED, ...bad }),
      (error) => isAssayError(error, "CONFIG_INVALID"),
      JSON.stringify(bad),
    );
});
