/** Writes a safetensors file whose tensors grow row by row: no tensor is ever in memory as a whole. */
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import type { Hex } from "@assay/protocol/commitments/hash";
import { TensorRootBuilder } from "@assay/protocol/commitments/tensor";
import { treeRoot } from "@assay/protocol/commitments/tree";
import { AssayError } from "@assay/protocol/errors";
import type { Words } from "../../backend.ts";
import { LIMITS } from "../../ir/limits.ts";
import { elements } from "../../ir/shape.ts";
import { DTYPE, type DType, type NamedTensor, type Shape } from "../../ir/types.ts";
import { nodeHasher } from "../../trace/hasher.ts";
import { safetensorsHeader } from "../safetensors.ts";

const BUFFER_BYTES = 2 ** 20;

export interface WrittenTensor extends NamedTensor {
  readonly root: Hex;
}

export interface WrittenFile {
  readonly tensors: readonly WrittenTensor[];
  /** Over the roots of all tensors in file order. */
  readonly dataRoot: Hex;
}

/** One tensor: its elements in a file of its own until all are known. */
class GrowingTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly part: string;
  readonly #rowShape: Shape;
  readonly #root: TensorRootBuilder;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #used = 0;
  #words = 0;
  #file: FileHandle | undefined;

  constructor(name: string, dtype: DType, rowShape: Shape, part: string) {
    [this.name, this.dtype, this.part, this.#rowShape] = [name, dtype, part, rowShape];
    this.#root = new TensorRootBuilder(nodeHasher, DTYPE[dtype]);
  }

  async append(words: Words): Promise<void> {
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.#words += words.length;
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + BUFFER_BYTES - this.#used);
      this.#buffer.set(piece, this.#used);
      this.#used += piece.length;
      at += piece.length;
      if (this.#used === BUFFER_BYTES) await this.#flush();
    }
  }

  /** Shape and root, once all rows are there. */
  async finish(): Promise<WrittenTensor> {
    await this.#flush();
    await this.close();
    const rows = this.#words / elements(this.#rowShape);
    const shape = [rows, ...this.#rowShape];
    if (rows < 1)
      throw new AssayError("DATA_TOO_FEW_ROWS", `no rows came for ${this.name}`, {
        remedy: "give more rows, or hold out fewer",
      });
    if (this.#words > LIMITS.dataElements)
      throw new AssayError(
        "DATA_TOO_LARGE",
        `${this.name} has ${this.#words} elements, a tensor of a program at most ${LIMITS.dataElements}`,
        { remedy: "import fewer rows, or smaller ones" },
      );
    return { name: this.name, dtype: this.dtype, shape, root: this.#root.finish(shape) };
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #flush(): Promise<void> {
    this.#file ??= await open(this.part, "w");
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#root.append(bytes);
    await this.#file.appendFile(bytes);
    this.#used = 0;
  }
}

export class TensorFileWriter {
  readonly #path: string;
  readonly #tensors: GrowingTensor[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** A tensor of rows of this shape. Its place in the file is its place among the calls. */
  tensor(name: string, dtype: DType, rowShape: Shape): { append(words: Words): Promise<void> } {
    const part = `${this.#path}.${this.#tensors.length}.part`;
    const tensor = new GrowingTensor(name, dtype, rowShape, part);
    this.#tensors.push(tensor);
    return tensor;
  }

  /** Puts the file together. Throws DATA_TOO_FEW_ROWS for a tensor without rows, DATA_TOO_LARGE for one with too many. */
  async finish(metadata: Readonly<Record<string, string>>): Promise<WrittenFile> {
    const tensors: WrittenTensor[] = [];
    for (const tensor of this.#tensors) tensors.push(await tensor.finish());
    const whole = `${this.#path}.part`;
    const file = await open(whole, "w");
    try {
      await file.appendFile(safetensorsHeader(tensors, metadata));
      for (const { part } of this.#tensors)
        for await (const bytes of createReadStream(part, { highWaterMark: BUFFER_BYTES }))
          await file.appendFile(bytes as Uint8Array);
    } finally {
      await file.close();
    }
    await rename(whole, this.#path);
    await this.discard();
    return {
      tensors,
      dataRoot: treeRoot(
        nodeHasher,
        tensors.map(({ root }) => root),
      ),
    };
  }

  /** Removes what was written on the way. */
  async discard(): Promise<void> {
    for (const tensor of this.#tensors) {
      await tensor.close();
      await rm(tensor.part, { force: true });
    }
    await rm(`${this.#path}.part`, { force: true });
  }
}
