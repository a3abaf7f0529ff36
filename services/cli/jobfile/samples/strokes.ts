/** The images of `assay init --preset cnn`: bright strokes that stand, lie or lean, somewhere on a grey ground. */
import { column, splitRows, takeRows } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";

const ROWS = 600;
const CLASSES = 3;
const SIDE = 12;
const LENGTH = 8;

/** Golden-ratio sequence: evenly spread and the same everywhere, so the file's hash never changes. */
const spread = (place: number): number => ((place + 0.5) * 0.618_033_988_749_895) % 1;

const DIRECTIONS = [
  [1, 0],
  [0, 1],
  [1, 1],
] as const;

const drawStroke = (row: number, pixels: Float32Array): void => {
  const label = row % CLASSES;
  const [down = 0, right = 0] = DIRECTIONS[label] ?? [];
  const room = (step: number): number => SIDE - step * (LENGTH - 1);
  const top = Math.floor(spread(3 * row) * room(down));
  const left = Math.floor(spread(7 * row + 2) * room(right));
  for (let k = 0; k < LENGTH; k++)
    pixels[(top + down * k) * SIDE + left + right * k] = 0.75 + 0.25 * spread(11 * row + k);
};

/**
 * Columns `train.x` f32[480, 144], `train.y` i32[480], `heldout.x`, `heldout.y` (120 rows) as a safetensors file; the
 * metadata say that a row is an image of 12×12×1.
 */
export const strokes = (): Uint8Array => {
  const area = SIDE * SIDE;
  const pixels = Float32Array.from({ length: ROWS * area }, (_, k) => 0.3 * spread(k * k));
  const labels = Array.from({ length: ROWS }, (_, row) => row % CLASSES);
  for (let row = 0; row < ROWS; row++)
    drawStroke(row, pixels.subarray(row * area, (row + 1) * area));
  const x = column("x", { dtype: "f32", shape: [ROWS, area] }, pixels);
  const y = column("y", { dtype: "i32", shape: [ROWS] }, labels);
  const { train, heldOut } = splitRows(ROWS, 5);
  return encodeSafetensors(
    [
      takeRows(x, train, "train.x"),
      takeRows(y, train, "train.y"),
      takeRows(x, heldOut, "heldout.x"),
      takeRows(y, heldOut, "heldout.y"),
    ],
    { source: "assay init", licence: "CC0-1.0", image: `${SIDE}x${SIDE}x1` },
  );
};
