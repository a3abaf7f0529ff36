import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { PHASES, readOptions } from "./options.ts";

describe("readOptions", () => {
  test("default: every phase, every file", () => {
    assert.deepEqual(readOptions([]), { phases: PHASES, filters: [], verbose: false });
  });

  test("behavior: phases keep their order, paths are filters", () => {
    const options = readOptions(["--only", "e2e", "./services/sdk", "--only", "unit"]);
    assert.deepEqual(options.phases, ["unit", "e2e"]);
    assert.deepEqual(options.filters, ["services/sdk"]);
  });

  test("behavior: refuses a phase that does not exist", () => {
    assert.throws(() => readOptions(["--only", "all"]), /there are contracts, unit/);
  });
});
