import assert from "node:assert/strict";
import { test } from "node:test";
import type { StateTensor } from "@assay/engine/ir/types";
import { isAssayError } from "@assay/protocol/errors";
import { describeBytes, describeChunk, modelTensors, pickChunk } from "./chunks.ts";

const tensor = (name: string, shape: readonly number[], parameter = true): StateTensor => ({
  name,
  dtype: "f32",
  shape,
  parameter,
  initOp: 0,
  stepOp: 0,
});
/** Three chunks, one and two, with optimizer state between them. */
const TENSORS = modelTensors({
  state: [
    tensor("w", [513]),
    tensor("w.momentum", [513], false),
    tensor("b", []),
    tensor("7", [16, 17]),
  ],
});
const never = (): number => assert.fail("nothing is to be drawn");
const refused = (code: string, wanted: Parameters<typeof pickChunk>[1]): void =>
  assert.throws(
    () => pickChunk(TENSORS, wanted, never),
    (error) => isAssayError(error, code) && error.remedy !== undefined,
  );

test("a model is its parameter tensors, in chunks of 256 elements", () => {
  assert.deepEqual(
    TENSORS.map(({ name, chunks }) => [name, chunks]),
    [
      ["w", 3],
      ["b", 1],
      ["7", 2],
    ],
  );
});

test("where nothing is named every chunk of the model is as likely as any other", () => {
  const all = Array.from({ length: 6 }, (_, drawn) =>
    pickChunk(TENSORS, {}, (below) => {
      assert.equal(below, 6);
      return drawn;
    }),
  );
  assert.deepEqual(
    all.map(({ tensor: place, chunk }) => [place, chunk]),
    [
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [2, 0],
      [2, 1],
    ],
  );
});

test("a tensor is named by its name before its place, and a chunk of it drawn or named", () => {
  assert.deepEqual(
    pickChunk(TENSORS, { tensor: "w" }, (below) => below - 1),
    {
      tensor: 0,
      chunk: 2,
    },
  );
  assert.deepEqual(pickChunk(TENSORS, { tensor: "1", chunk: "0" }, never), { tensor: 1, chunk: 0 });
  assert.deepEqual(pickChunk(TENSORS, { tensor: "7", chunk: "1" }, never), { tensor: 2, chunk: 1 });
});

test("a tensor or chunk that is not there is refused, to the last one", () => {
  refused("USAGE_NO_SUCH_TENSOR", { tensor: "w.momentum" });
  refused("USAGE_NO_SUCH_TENSOR", { tensor: "3" });
  refused("USAGE_NO_SUCH_CHUNK", { tensor: "w", chunk: "3" });
  refused("USAGE_NO_SUCH_CHUNK", { tensor: "w", chunk: "-1" });
  refused("USAGE_NO_SUCH_CHUNK", { chunk: "0" });
  assert.throws(
    () => pickChunk([], {}, never),
    (error) => isAssayError(error, "DEMAND_NO_MODEL"),
  );
});

test("places and bytes are told in words", () => {
  assert.equal(
    describeChunk({ tensor: 2, chunk: 1 }, TENSORS),
    "chunk 1 of tensor 7 [16, 17], one of 2",
  );
  assert.equal(describeChunk({ tensor: 2, chunk: 1 }), "chunk 1 of tensor 2");
  assert.equal(describeBytes("0x0000803f"), "1 value: 1.000");
  assert.equal(
    describeBytes(`0x${"0000803f".repeat(4)}000000bf`),
    "5 values: 1.000, 1.000, 1.000, 1.000, …",
  );
  assert.equal(describeBytes("0xffffffff", "i32"), "1 value: -1");
});
