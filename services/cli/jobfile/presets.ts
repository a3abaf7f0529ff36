/** What `assay init` writes for each preset: a job file and a data set that go together. */
import type { PresetName } from "./models.ts";
import { spirals } from "./samples/spirals.ts";
import { strokes } from "./samples/strokes.ts";
import { sums } from "./samples/sums.ts";
import type { TemplateOptions } from "./template.ts";

interface Sample {
  readonly template: TemplateOptions;
  /** The data file. */
  readonly write: () => Uint8Array;
  readonly description: string;
}

export const SAMPLES: Readonly<Record<PresetName, Sample>> = {
  mlp: {
    template: {
      name: "spirals",
      data: "spirals.safetensors",
      preset: "mlp",
      hidden: [32, 32],
      batch: 40,
      epochs: 60,
      checkpointEvery: 200,
      learningRate: 0.01,
      maximum: "1.20",
    },
    write: spirals,
    description: "three spirals in the plane, 1,200 points to learn from and 300 held out",
  },
  cnn: {
    template: {
      name: "strokes",
      data: "strokes.safetensors",
      preset: "cnn",
      batch: 32,
      epochs: 12,
      checkpointEvery: 60,
      learningRate: 0.003,
      maximum: "1.20",
    },
    write: strokes,
    description: "small images of three kinds of stroke, 480 to learn from and 120 held out",
  },
  "transformer-lm": {
    template: {
      name: "sums",
      data: "sums.safetensors",
      preset: "transformer-lm",
      batch: 8,
      epochs: 16,
      checkpointEvery: 100,
      learningRate: 0.005,
      maximum: "1.20",
    },
    write: sums,
    description: "sums such as 7+5=12 in characters, 1,280 to learn from and 320 held out",
  },
};
