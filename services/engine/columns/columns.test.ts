import { after, before, describe, test } from "node:test";
import { referenceBackend } from "../reference/backend.ts";
import { compareRandomPrograms, PROGRAM_FAMILIES } from "../testing/compare.ts";
import { openDataFolder, type DataFolder } from "../testing/in-files.ts";
import { createWasmBackend, wasmBackend } from "../wasm/backend.ts";

let folder: DataFolder;
before(async () => {
  folder = await openDataFolder();
});
after(() => folder.close());

describe("a data set in a file", () => {
  for (const { what, options } of PROGRAM_FAMILIES)
    test(`gives the bits of one in memory: ${what}`, async () => {
      await compareRandomPrograms(folder.backend(wasmBackend), options, 0, 100);
      await compareRandomPrograms(folder.backend(referenceBackend), options, 0, 100);
      const some = folder.backend(wasmBackend, (column) => column % 2 === 0);
      await compareRandomPrograms(some, options, 100, 50);
    });

  test("gives them on two threads", async () => {
    const backend = folder.backend(
      createWasmBackend({ lanes: "narrow", threads: 2, leastWork: 1 }),
    );
    await compareRandomPrograms(backend, {}, 200, 10);
  });
});
