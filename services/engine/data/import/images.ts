/** A folder of images: a subfolder a class, PNG and JPEG files of one size. */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import type { Words } from "../../backend.ts";
import { invalidSource, type RowSource } from "./source.ts";

export interface ImageOptions {
  /** 1: grey (Rec. 601 luma); 3: red, green, blue. Alpha is dropped. */
  readonly channels?: 1 | 3 | undefined;
}

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha of each pixel. */
  readonly data: Uint8Array;
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Picture>> = {
  ".png": (bytes) => PNG.sync.read(bytes),
  ".jpg": (bytes) => jpeg.decode(bytes, { useTArray: true, formatAsRGBA: true }),
  ".jpeg": (bytes) => jpeg.decode(bytes, { useTArray: true, formatAsRGBA: true }),
};

const REMEDY = "make a folder a class, with PNG or JPEG files of one size in it";

const decode = (file: string): Picture => {
  const decoder = DECODERS[extname(file).toLowerCase()];
  if (decoder === undefined) throw invalidSource("IMAGE", file, "is neither PNG nor JPEG", REMEDY);
  try {
    return decoder(readFileSync(file));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw invalidSource("IMAGE", file, `cannot be decoded (${why})`, REMEDY);
  }
};

/** By character, so that the order is the same on every machine. */
const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const listOf = (folder: string, wanted: "folders" | "files"): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith("."))
    .filter((entry) => entry.isDirectory() === (wanted === "folders"))
    .map(({ name }) => name)
    .toSorted(byName);

/** Pixels 0 to 1, rows of pixels, a pixel's channels side by side. */
const pixelsOf = ({ width, height, data }: Picture, channels: 1 | 3): Words => {
  const values = new Float32Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const [red = 0, green = 0, blue = 0] = data.subarray(4 * pixel, 4 * pixel + 3);
    if (channels === 1) values[pixel] = (299 * red + 587 * green + 114 * blue) / 255_000;
    else values.set([red / 255, green / 255, blue / 255], 3 * pixel);
  }
  return new Uint32Array(values.buffer);
};

/**
 * Rows of a folder of images: `x` f32[height·width·channels], `y` i32; classes are the subfolders by name, rows their
 * files by name. Throws DATA_IMAGE_INVALID with the file.
 */
export const imageSource = (folder: string, { channels = 3 }: ImageOptions = {}): RowSource => {
  const classes = listOf(folder, "folders");
  const files = classes.flatMap((name, label) =>
    listOf(join(folder, name), "files").map((file) => ({ file: join(folder, name, file), label })),
  );
  const [first] = files;
  if (first === undefined) throw invalidSource("IMAGE", folder, "holds no images", REMEDY);
  const { width, height } = decode(first.file);
  return {
    columns: [
      { name: "x", dtype: "f32", shape: [height * width * channels] },
      { name: "y", dtype: "i32", shape: [] },
    ],
    classes,
    image: [height, width, channels],
    async *rows() {
      for (const { file, label } of files) {
        const picture = decode(file);
        if (picture.width !== width || picture.height !== height)
          throw invalidSource(
            "IMAGE",
            file,
            `is ${picture.width}×${picture.height}, the first one ${width}×${height}`,
            "scale the images to one size first",
          );
        yield [pixelsOf(picture, channels), Uint32Array.of(label)];
      }
    },
  };
};
