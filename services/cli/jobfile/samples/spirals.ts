/** The data set of `assay init`: three interleaved spirals, a classic that no linear model separates. */
import { column, splitRows, takeRows } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";

const ROWS = 1500;
const CLASSES = 3;
const TURN = 4;
const NOISE = 0.15;

/** Golden-ratio sequence: evenly spread and the same everywhere, so the file's hash never changes. */
const spread = (row: number): number => ((row + 0.5) * 0.618_033_988_749_895) % 1;

/** Columns `train.x` f32[1200, 2], `train.y` i32[1200], `heldout.x`, `heldout.y` as a safetensors file. */
export const spirals = (): Uint8Array => {
  const points: number[] = [];
  const labels: number[] = [];
  for (let row = 0; row < ROWS; row++) {
    const label = row % CLASSES;
    const along = (Math.floor(row / CLASSES) + 0.5) / (ROWS / CLASSES);
    const angle = TURN * along + (label * 2 * Math.PI) / CLASSES + NOISE * (spread(row) - 0.5) * 4;
    points.push(along * Math.sin(angle), along * Math.cos(angle));
    labels.push(label);
  }
  const x = column("x", { dtype: "f32", shape: [ROWS, 2] }, points);
  const y = column("y", { dtype: "i32", shape: [ROWS] }, labels);
  const { train, heldOut } = splitRows(ROWS, 5);
  return encodeSafetensors(
    [
      takeRows(x, train, "train.x"),
      takeRows(y, train, "train.y"),
      takeRows(x, heldOut, "heldout.x"),
      takeRows(y, heldOut, "heldout.y"),
    ],
    { source: "assay init", licence: "CC0-1.0" },
  );
};
