import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { startProcess } from "./processes.ts";

/** Says 30 lines on its standard error and ends with 7. */
const COMPLAINS = `for (let line = 1; line <= 30; line++) console.error("trouble " + line); process.exitCode = 7;`;

describe("a part of the local market", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "assay-parts-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  const start = (script: string, ready: (line: string) => string | undefined) => {
    const file = join(folder, "part.js");
    writeFileSync(file, script);
    return startProcess({
      name: "part",
      script: file,
      directory: folder,
      logFile: join(folder, "part.log"),
      ready,
    });
  };
  const lastTwenty = Array.from({ length: 20 }, (_, index) => `trouble ${index + 11}`);

  test("that ends before it is ready fails with the last twenty lines of its log", async () => {
    await assert.rejects(
      start(COMPLAINS, () => undefined),
      (error) => {
        assert.ok(isAssayError(error, "PROCESS_FAILED"));
        assert.equal(error.message, `part ended (7); its last lines:\n${lastTwenty.join("\n")}`);
        assert.match(error.remedy ?? "", /part\.log/);
        return true;
      },
    );
  });

  test("that ends by itself later tells its last twenty lines too", async () => {
    const part = await start(
      `console.log("ready"); process.once("message", () => { process.disconnect(); ${COMPLAINS} }); setTimeout(() => process.emit("message"), 50);`,
      (line) => (line === "ready" ? line : undefined),
    );
    const error = await part.failure;
    assert.equal(error.code, "PROCESS_FAILED");
    assert.equal(
      error.message,
      `part ended by itself (7); its last lines:\n${lastTwenty.join("\n")}`,
    );
  });

  test("that says nothing has no lines to tell", async () => {
    await assert.rejects(
      start("", () => undefined),
      { message: "part ended (0)" },
    );
  });
});
