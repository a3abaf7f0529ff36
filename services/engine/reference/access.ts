/** Reading operands while the coordinates of an op run in row-major order. */
import type { Affine, Operand, Shape } from "../ir/types.ts";

/** Elements of a tensor as numbers; f32 NaN payloads are gone. */
export type Values = Float32Array | Int32Array;

/** One affine value that follows the coordinates. */
export class Walker {
  position: number;
  readonly strides: readonly number[];

  constructor(affine: Affine) {
    this.position = affine.offset;
    this.strides = affine.strides;
  }
}

interface WalkedGuard {
  readonly walker: Walker;
  readonly limit: number;
}

interface WalkedIndirection extends WalkedGuard {
  readonly table: Int32Array;
  readonly rowStride: number;
}

/** The memory behind an operand's source: undefined for `index`, one element for an immediate and for `step`. */
export interface OperandMemory {
  readonly values: Values | undefined;
  readonly table: Int32Array | undefined;
}

/** One operand of one op; `read` gives its value at the present coordinates. */
export class Reader {
  readonly address: Walker;
  readonly values: Values | undefined;
  readonly #guards: readonly WalkedGuard[];
  readonly #indirection: WalkedIndirection | undefined;

  constructor(operand: Operand, memory: OperandMemory) {
    this.address = new Walker(operand);
    this.values = memory.values;
    this.#guards = operand.guards.map((guard) => ({
      walker: new Walker(guard),
      limit: guard.limit,
    }));
    const { indirection } = operand;
    this.#indirection =
      indirection === null || memory.table === undefined
        ? undefined
        : {
            walker: new Walker(indirection),
            limit: indirection.limit,
            rowStride: indirection.rowStride,
            table: memory.table,
          };
  }

  /** All that must follow the coordinates. */
  get walkers(): Walker[] {
    const rows = this.#indirection === undefined ? [] : [this.#indirection.walker];
    return [this.address, ...this.#guards.map((guard) => guard.walker), ...rows];
  }

  /** Whether the checker has shown that every address is inside the tensor and holds an f32. */
  get direct(): boolean {
    return (
      this.values instanceof Float32Array &&
      this.#guards.length === 0 &&
      this.#indirection === undefined
    );
  }

  read(): number {
    for (const { walker, limit } of this.#guards) {
      if (walker.position < 0 || walker.position >= limit) return 0;
    }
    let address = this.address.position;
    const indirection = this.#indirection;
    if (indirection !== undefined) {
      const row = indirection.table[indirection.walker.position];
      if (row === undefined || row < 0 || row >= indirection.limit) return 0;
      address += row * indirection.rowStride;
    }
    return this.values === undefined ? address : (this.values[address] ?? 0);
  }
}

/** Coordinates in row-major order, with the walkers that follow them. */
export class Odometer {
  readonly #sizes: Shape;
  readonly #walkers: readonly Walker[];
  readonly #at: number[];

  constructor(sizes: Shape, walkers: readonly Walker[]) {
    this.#sizes = sizes;
    this.#walkers = walkers;
    this.#at = sizes.map(() => 0);
  }

  /** Goes to the next coordinates; after the last, back to the first. */
  advance(): void {
    for (let d = this.#sizes.length - 1; d >= 0; d--) {
      const size = this.#sizes[d] as number;
      const at = (this.#at[d] as number) + 1;
      const move = at < size ? 1 : 1 - size;
      for (const walker of this.#walkers) walker.position += move * (walker.strides[d] as number);
      this.#at[d] = at < size ? at : 0;
      if (at < size) return;
    }
  }
}
