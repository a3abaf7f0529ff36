/** The least of trainings, for tests of what is around one. */
import { column } from "../data/dataset.ts";
import type { NamedWords } from "../data/safetensors.ts";
import { elements } from "../ir/shape.ts";
import type { Program } from "../ir/types.ts";
import { mlp } from "../models/mlp.ts";

export interface SmallClassifierOptions {
  readonly inputs?: number;
  readonly trainRows?: number;
  readonly steps: number;
  readonly interval?: number;
}

/** One layer, two classes, batches of two rows, one row held out. */
export const smallClassifier = ({
  inputs = 4,
  trainRows = 4,
  steps,
  interval = 4,
}: SmallClassifierOptions): Program =>
  mlp({
    inputs,
    hidden: [],
    outputs: 2,
    activation: "relu",
    optimizer: { kind: "sgd", learningRate: 0.1 },
    batch: 2,
    interval,
    steps,
    trainRows,
    heldOutRows: 1,
  });

/** A data set for a program: 0 and 1 in turns in every column. */
export const alternatingColumns = ({ data }: Program): NamedWords[] =>
  data.map(({ name, dtype, shape }) =>
    column(
      name,
      { dtype, shape },
      Array.from({ length: elements(shape) }, (_, i) => i % 2),
    ),
  );
