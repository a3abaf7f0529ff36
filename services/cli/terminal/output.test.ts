import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { alignRows, printable } from "./output.ts";

const ESCAPE = String.fromCodePoint(0x1b);

describe("printable", () => {
  test("default: text, line ends and colours stay", () => {
    const text = `${ESCAPE}[1mbold${ESCAPE}[22m\nnext — ✓`;
    assert.equal(printable(text), text);
  });
  test("behavior: a stranger's name cannot move the cursor, retitle the window or ring", () => {
    const bell = String.fromCodePoint(7);
    assert.equal(printable(`a${ESCAPE}[2Jb${ESCAPE}]0;title${bell}c\rd`), "a[2Jb]0;titlecd");
  });
});

test("alignRows: columns line up whatever their colours", () => {
  const rows = alignRows([
    ["a", "b"],
    [`${ESCAPE}[32mlong${ESCAPE}[39m`, "c"],
  ]);
  assert.equal(rows[0], "a     b");
  assert.equal(rows[1], `${ESCAPE}[32mlong${ESCAPE}[39m  c`);
});
