import type { FunctionBuilder } from "./function.ts";
import type { Cursor } from "./loops.ts";
import { I, VALUE } from "./opcodes.ts";
import type { Reader } from "./reader.ts";
import { addScaled, decompose, overRuns, overTerms, type TermRange, type Walker } from "./terms.ts";

const { i32, v128 } = VALUE;

/** What writes the code of a pack function. */
export interface PackCode {
  readonly f: FunctionBuilder;
  /** Lanes of a panel. */
  readonly width: number;
  readonly laneExtents: readonly number[];
  /** Local: lanes from here on are zeros. */
  readonly laneEnd: number;
  readonly terms: TermRange;
  /** The innermost lane level of the operand's access. */
  readonly lastLane: number;
  /** No check depends on the term: one per lane is enough. */
  readonly plainTerms: boolean;
  readonly reader: Reader;
  /** The reader's cursors, address first. `given` is the parameter with the value at lane 0 and term 0. */
  readonly moving: readonly {
    readonly cursor: Cursor;
    readonly given: number;
    readonly lanes: readonly number[];
    readonly terms: readonly number[];
  }[];
}

const walkersOf = (code: PackCode): Walker[] =>
  code.moving.map(({ cursor, terms }) => ({ local: cursor.local, strides: terms }));

/** A walker for a byte address. */
const pointerWalker = (code: PackCode, local: number): Walker => {
  const [address] = code.moving;
  if (address === undefined) throw new Error("an operand has an address");
  return { local, strides: address.terms.map((stride) => (stride / address.cursor.scale) * 4) };
};

/** Sets the cursors to a lane, at term 0. */
const placeAtLane = ({ f, laneExtents, moving }: PackCode, lane: number): void => {
  const coordinates = decompose(f, laneExtents, lane);
  for (const { cursor, given, lanes } of moving) {
    f.get(given);
    addScaled(f, coordinates, lanes);
    f.set(cursor.local);
  }
};

/** `count` lanes that are neighbours in memory: vectors per term. `column` is where the first one goes. */
export const neighbourLanes = (
  code: PackCode,
  lane: number,
  column: number,
  count: number,
): void => {
  const { f, width, terms, reader } = code;
  placeAtLane(code, lane);
  const target = f.local(i32);
  f.get(column).set(target);
  overTerms(f, terms, walkersOf(code), () => {
    for (let i = 0; i < count; i += 4) {
      f.get(target);
      reader.vector(code.lastLane, i);
      f.memory(I.v128Store, i * 4);
    }
    f.advance(target, width * 4);
  });
};

/** Any lanes, one after the other; those from `laneEnd` on, and those whose check fails, become zeros. */
export const lanesOneByOne = (
  code: PackCode,
  firstLane: number,
  column: number,
  count: number,
): void => {
  const { f, width, terms, reader, laneEnd } = code;
  const [lane, end, top, target] = [f.local(i32), f.local(i32), f.local(i32), f.local(i32)];
  const pointer = f.local(i32);
  f.get(firstLane).tee(lane).i32(count).op(I.i32Add).set(end);
  f.get(column).set(top);
  const each = (walkers: readonly Walker[], push: () => void): void =>
    overTerms(f, terms, walkers, () => {
      f.get(target);
      push();
      f.memory(I.f32Store);
      f.advance(target, width * 4);
    });
  f.doWhile(() => {
    f.get(top).set(target);
    f.i32(0).set(pointer);
    f.get(lane).get(laneEnd).op(I.i32LtS);
    f.if(() => {
      placeAtLane(code, lane);
      if (code.plainTerms) {
        reader.pointer();
        f.set(pointer);
      } else {
        each(walkersOf(code), () => reader.scalar());
        f.i32(1).set(pointer);
      }
    });
    const copy = (): void =>
      each([pointerWalker(code, pointer)], () => f.get(pointer).memory(I.f32Load));
    f.get(pointer);
    f.if(code.plainTerms ? copy : () => undefined, () => each([], () => f.f32Bits(0)));
    f.advance(top, 4);
    f.advance(lane, 1);
    f.get(lane).get(end).op(I.i32LtS);
  });
};

/**
 * Four lanes whose terms are neighbours in memory: four terms of each at a time, transposed. Runs if `fast` is not 0, and
 * clears it when a lane's check fails, having done nothing.
 */
export const transposedLanes = (
  code: PackCode,
  firstLane: number,
  column: number,
  fast: number,
): void => {
  const { f, width, terms, reader } = code;
  const lanes = [0, 1, 2, 3].map(() => f.local(i32));
  const lane = f.local(i32);
  f.get(fast);
  f.if(() => {
    lanes.forEach((pointer, i) => {
      f.get(firstLane).i32(i).op(I.i32Add).set(lane);
      placeAtLane(code, lane);
      reader.pointer();
      f.set(pointer);
      if (reader.conditional) f.get(fast).i32(0).get(pointer).op(I.select).set(fast);
    });
  });
  f.get(fast);
  f.if(() => {
    const target = f.local(i32);
    f.get(column).set(target);
    const walkers = lanes.map((local) => pointerWalker(code, local));
    overRuns(f, terms, walkers, (length) => {
      const count = f.local(i32);
      f.get(length).i32(2).op(I.i32ShrU).tee(count);
      f.if(() =>
        f.doWhile(() => {
          transposeFour(f, lanes, target, width);
          for (const pointer of lanes) f.advance(pointer, 16);
          f.advance(target, width * 16);
          f.get(count).i32(1).op(I.i32Sub).tee(count);
        }),
      );
      f.get(length).i32(3).op(I.i32And).tee(count);
      f.if(() =>
        f.doWhile(() => {
          lanes.forEach((pointer, i) => {
            f.get(target)
              .get(pointer)
              .memory(I.f32Load)
              .memory(I.f32Store, i * 4);
            f.advance(pointer, 4);
          });
          f.advance(target, width * 4);
          f.get(count).i32(1).op(I.i32Sub).tee(count);
        }),
      );
    });
  });
};

/** Reads four neighbours from each of four addresses and stores them column by column, `width` elements apart. */
const transposeFour = (
  f: FunctionBuilder,
  pointers: readonly number[],
  target: number,
  width: number,
): void => {
  const rows = pointers.map((pointer) => {
    const row = f.local(v128);
    f.get(pointer).memory(I.v128Load).set(row);
    return row;
  });
  const mix = (a: number, b: number, lanes: readonly [number, number, number, number]): number => {
    const local = f.local(v128);
    f.get(a).get(b).shuffle(lanes).set(local);
    return local;
  };
  const [r0 = 0, r1 = 0, r2 = 0, r3 = 0] = rows;
  const low = [mix(r0, r1, [0, 4, 1, 5]), mix(r2, r3, [0, 4, 1, 5])] as const;
  const high = [mix(r0, r1, [2, 6, 3, 7]), mix(r2, r3, [2, 6, 3, 7])] as const;
  [low, high].forEach(([a, b], half) => {
    for (const [i, lanes] of (
      [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
      ] as const
    ).entries()) {
      f.get(target)
        .get(mix(a, b, lanes))
        .memory(I.v128Store, (half * 2 + i) * width * 4);
    }
  });
};
