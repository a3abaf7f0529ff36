import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { BytePairs, learnBytePairs } from "./byte-pairs.ts";
import { Characters } from "./characters.ts";
import { parseTokenizer, printTokenizer } from "./tokenizer.ts";

async function* lines(...text: readonly string[]): AsyncIterable<string> {
  yield* text;
}

describe("byte-pair tokens", () => {
  it("join the most frequent pair first, of equals the one of the earliest tokens", async () => {
    const { parts } = await learnBytePairs(lines("abab abab cdcd cdcd ab\n"), 260).then((t) => ({
      parts: t.parts(),
    }));
    const [a, b, c, d] = ["a", "b", "c", "d"].map((x) => x.charCodeAt(0));
    assert.deepEqual(parts.merges.slice(0, 2), [
      [a, b],
      [c, d],
    ]);
  });

  it("give back any text, also one with bytes that were never seen", async () => {
    const tokenizer = await learnBytePairs(lines("the cat sat on the mat\n", "the end\n"), 300);
    for (const text of ["the cat\n", "  tabs\tand €uro 👩‍🔬 12345\r\n", "", "\u0000"])
      assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    assert.ok(tokenizer.encode("the cat").length <= 5);
    assert.ok(tokenizer.size <= 300);
  });

  it("never reach over a word", async () => {
    const tokenizer = await learnBytePairs(lines(...Array(50).fill("if (x == 10) return;\n")), 400);
    assert.equal(tokenizer.encode("if (x == 10)").length, 6);
  });

  it("stop where no pair stands twice", async () => {
    assert.equal((await learnBytePairs(lines("abcdef"), 5000)).size, 256);
  });
});

describe("tokenizer files", () => {
  it("give the same tokenizer again", async () => {
    const pairs = await learnBytePairs(lines("one one two two\n"), 262);
    for (const tokenizer of [pairs, new Characters("abno tw\n")]) {
      const again = parseTokenizer(printTokenizer(tokenizer));
      assert.deepEqual(again.encode("two bant\n"), tokenizer.encode("two bant\n"));
      assert.equal(again.size, tokenizer.size);
    }
  });

  it("are checked", () => {
    const wrong = [
      "",
      "{}",
      '{"format":"assay-tokenizer/1","kind":"characters","alphabet":"aa"}',
      '{"format":"assay-tokenizer/1","kind":"byte-pairs","merges":[[97,256]]}',
    ];
    for (const text of wrong)
      assert.throws(
        () => parseTokenizer(text),
        (error) => isAssayError(error, "DATA_TOKENIZER_INVALID"),
      );
    assert.throws(() => new BytePairs([[300, 1]]), RangeError);
    assert.throws(
      () => new Characters("ab").encode("c"),
      (error) => isAssayError(error, "DATA_CHARACTER_UNKNOWN"),
    );
  });
});
