import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Program } from "../ir/types.ts";
import { mlp } from "../models/mlp.ts";
import { compile } from "../wasm/compile.ts";
import { NARROW_TILE } from "../wasm/microkernel.ts";
import { PLAIN_ENGINE } from "../wasm/settings.ts";
import { placeData as placeIn, tensorBytes } from "./place.ts";

const placeData = (program: Program, memoryBytes: number) =>
  placeIn(program, { memoryBytes, engine: PLAIN_ENGINE });

const programOf = (trainRows: number, heldOutRows: number) =>
  mlp({
    inputs: 784,
    hidden: [64],
    outputs: 10,
    activation: "relu",
    optimizer: { kind: "sgd", learningRate: 0.1 },
    batch: 64,
    steps: 10,
    interval: 10,
    trainRows,
    heldOutRows,
  });

describe("the place of a data set", () => {
  const program = programOf(10_000, 100);
  const { needed: whole } = placeData(program, Infinity);
  const { needed: least } = placeData(program, 0);

  it("is the memory where all of it fits, with the copies that are made on the way", () => {
    const { peakBytes } = compile(program, NARROW_TILE).report;
    assert.equal(whole, peakBytes + 2 * tensorBytes(program.data) + 2 * tensorBytes(program.state));
    assert.deepEqual(placeData(program, whole), { place: "memory", needed: whole });
  });

  it("is a file where only what a step reads fits", () => {
    assert.ok(least < whole / 10, `${least} of ${whole}`);
    assert.deepEqual(placeData(program, whole - 1), { place: "file", needed: least });
    assert.deepEqual(placeData(program, least), { place: "file", needed: least });
  });

  it("is nowhere where not even that does; what that would take is said", () => {
    assert.deepEqual(placeData(program, least - 1), { place: undefined, needed: least });
  });

  it("is a file where a WebAssembly memory is too small for it, however much is granted", () => {
    const { place, needed } = placeData(programOf(1_400_000, 100), Infinity);
    assert.equal(place, "file");
    assert.ok(needed < 2 * least);
  });

  it("helps nothing where what is evaluated at once is beyond a WebAssembly memory", () => {
    assert.throws(() => placeData(programOf(64, 1_400_000), Infinity), {
      code: "ENGINE_MEMORY_LIMIT",
    });
  });

  it("does not matter to a program without data", () => {
    const idle = { ...program, data: [], init: [], step: [], eval: [], state: [], outputs: [] };
    const { needed } = placeData(idle, Infinity);
    assert.equal(placeData(idle, needed).place, "memory");
    assert.equal(placeData(idle, needed - 1).place, undefined);
  });
});
