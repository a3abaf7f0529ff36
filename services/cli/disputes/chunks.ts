/** Which chunk of a model to ask for, and what was shown, as words. Pure but for the random numbers that it is given. */
import type { Program, Shape } from "@assay/engine/ir/types";
import { chunkCount } from "@assay/protocol/commitments/tensor";
import { AssayError } from "@assay/protocol/errors";
import { hexToBytes, type Hex } from "viem";

export interface ModelTensor {
  readonly name: string;
  readonly dtype: "f32" | "i32";
  readonly shape: Shape;
  readonly chunks: number;
}

/** A tensor by its place in the model, and one of its chunks. */
export interface ChunkPlace {
  readonly tensor: number;
  readonly chunk: number;
}

/** The tensors of a program's model, in the order of its root. */
export const modelTensors = ({ state }: Pick<Program, "state">): ModelTensor[] =>
  state
    .filter(({ parameter }) => parameter)
    .map(({ name, dtype, shape }) => ({
      name,
      dtype,
      shape,
      chunks: chunkCount(shape.reduce((product, size) => product * size, 1)),
    }));

const tensorCalled = (tensors: readonly ModelTensor[], wanted: string): number => {
  const byName = tensors.findIndex(({ name }) => name === wanted);
  if (byName >= 0) return byName;
  if (/^[0-9]+$/.test(wanted) && Number(wanted) < tensors.length) return Number(wanted);
  throw new AssayError("USAGE_NO_SUCH_TENSOR", `the model has no tensor “${wanted}”`, {
    remedy: `give one of these, or its place from 0: ${tensors.map(({ name }) => name).join(", ")}`,
  });
};

const chunkCalled = ({ name, chunks }: ModelTensor, wanted: string): number => {
  if (/^[0-9]+$/.test(wanted) && Number(wanted) < chunks) return Number(wanted);
  throw new AssayError("USAGE_NO_SUCH_CHUNK", `tensor ${name} has no chunk “${wanted}”`, {
    remedy: `give a number from 0 to ${chunks - 1}`,
  });
};

/**
 * The chunk that was named; what was not is drawn, each chunk as likely as any other. `random(n)` gives 0 … n−1.
 * @throws `USAGE_NO_SUCH_TENSOR`, `USAGE_NO_SUCH_CHUNK`, `DEMAND_NO_MODEL`
 */
export const pickChunk = (
  tensors: readonly ModelTensor[],
  wanted: { readonly tensor?: string | undefined; readonly chunk?: string | undefined },
  random: (below: number) => number,
): ChunkPlace => {
  if (tensors.length === 0)
    throw new AssayError("DEMAND_NO_MODEL", "this program leaves no model", {
      remedy: "there is nothing to ask for",
    });
  if (wanted.chunk !== undefined && wanted.tensor === undefined)
    throw new AssayError("USAGE_NO_SUCH_CHUNK", "a chunk was named, but of no tensor", {
      remedy: "add --tensor, or leave --chunk out to draw one of the whole model",
    });
  if (wanted.tensor !== undefined) {
    const tensor = tensorCalled(tensors, wanted.tensor);
    const of = tensors[tensor] as ModelTensor;
    const chunk = wanted.chunk === undefined ? random(of.chunks) : chunkCalled(of, wanted.chunk);
    return { tensor, chunk };
  }
  let left = random(tensors.reduce((sum, { chunks }) => sum + chunks, 0));
  const tensor = tensors.findIndex(({ chunks }) => (left -= chunks) < 0);
  return { tensor, chunk: left + (tensors[tensor] as ModelTensor).chunks };
};

/** `chunk 2 of tensor dense.weight [784, 16], one of 49`; without the program: `chunk 2 of tensor 0`. */
export const describeChunk = (
  { tensor, chunk }: ChunkPlace,
  tensors: readonly ModelTensor[] = [],
): string => {
  const of = tensors[tensor];
  if (of === undefined) return `chunk ${chunk} of tensor ${tensor}`;
  return `chunk ${chunk} of tensor ${of.name} [${of.shape.join(", ")}], one of ${of.chunks}`;
};

const SHOWN_VALUES = 4;

/** `256 values: 0.01234, -0.4000, 0.000, 1.000, …` */
export const describeBytes = (bytes: Hex, dtype: "f32" | "i32" = "f32"): string => {
  const view = new DataView(hexToBytes(bytes).buffer);
  const count = view.byteLength / 4;
  const first = Array.from({ length: Math.min(SHOWN_VALUES, count) }, (_, i) =>
    dtype === "f32"
      ? view.getFloat32(4 * i, true).toPrecision(4)
      : String(view.getInt32(4 * i, true)),
  );
  return `${count} value${count === 1 ? "" : "s"}: ${first.join(", ")}${count > SHOWN_VALUES ? ", …" : ""}`;
};
