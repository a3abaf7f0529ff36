import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { findIn, messages } from "./fixture.ts";
import { parameterTable } from "./parameter-table.ts";

const file = JSON.stringify({
  first: { window: 86_400, bond: "50000000" },
  min: { window: 3_600, bond: "1000000" },
  max: { window: 604_800, bond: "1000000000" },
});
const page = (...rows: string[]): string =>
  ["| | default | min | max |", "| - | - | - | - |", ...rows].join("\n");
const WINDOW = "| `window` | 86,400 | 3,600 | 604,800 | seconds |";
const BOND = "| `bond` | 50,000,000 | 1,000,000 | 1,000,000,000 | base units |";
const find = (text: string) =>
  findIn(parameterTable, { "contracts/README.md": text, "deploy/parameters/public.json": file });

describe("parameter-table", () => {
  test("default: the page lists what the file holds", async () => {
    assert.deepEqual(await find(page(WINDOW, BOND)), []);
  });

  test("behavior: refuses a row that is missing, made up or wrong", async () => {
    const found = messages(
      await find(page(WINDOW.replace("3,600", "1"), "| `luck` | 1 | 0 | 2 |")),
    );
    assert.match(found, /window is 86400, 1, 604800 here and 86400, 3600, 604800/);
    assert.match(found, /does not list the parameter bond/);
    assert.match(found, /luck is no parameter/);
  });
});
