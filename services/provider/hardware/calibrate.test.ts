import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import { calibrated } from "./calibrate.ts";

/** No machine is so slow. */
const KEPT = 1;

test("a measurement is kept for what it was measured with, and nothing else", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "assay-calibrate-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "calibration.json");
  const kept = {
    version: 2,
    cpuModel: cpus()[0]?.model ?? "unknown",
    ...PLAIN_ENGINE,
    unitsPerSecond: KEPT,
    at: Date.now(),
  };
  const keep = (change: object = {}): Promise<void> =>
    writeFile(path, JSON.stringify({ ...kept, ...change }));

  await keep();
  assert.equal(await calibrated(path, PLAIN_ENGINE), KEPT);

  const two = { ...PLAIN_ENGINE, threads: 2 };
  const speed = await calibrated(path, two);
  assert.ok(speed > KEPT);
  const saved = JSON.parse(await readFile(path, "utf8")) as typeof kept;
  assert.deepEqual(
    [saved.lanes, saved.threads, saved.unitsPerSecond],
    [two.lanes, two.threads, speed],
  );

  for (const change of [{ lanes: "wide" }, { version: 1 }, { at: 0 }, { cpuModel: "another" }]) {
    await keep(change);
    assert.ok((await calibrated(path, PLAIN_ENGINE)) > KEPT, JSON.stringify(change));
  }
});
