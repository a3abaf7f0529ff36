import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { largeProgram } from "../../testing/large.ts";
import { advance, type Course } from "./course.ts";
import { type Pointing, type Position, positionSchema } from "./positions.ts";

const { program } = largeProgram(1);
const course: Course = { program, start: null, intervals: 3 };
const section = { list: "step", interval: 2, step: 3 } as const;
const child = (index: number): Pointing => ({ to: "child", index });

describe("the course of a descent", () => {
  it("leads from the trace to a scalar", () => {
    const route: [Pointing, Position][] = [
      [{ to: "prefix" }, { kind: "checkpoints", path: [] }],
      [child(2), { kind: "steps", interval: 2, path: [] }],
      [child(0), { kind: "steps", interval: 2, path: [0] }],
      [child(3), { kind: "ops", section, path: [] }],
      [child(0), { kind: "ops", section, path: [0] }],
      [child(0), { kind: "chunk", section, op: 0, chunk: 0 }],
      [
        { to: "element", index: 2 },
        { kind: "terms", section, op: 0, element: 2, path: [] },
      ],
      [child(1), { kind: "terms", section, op: 0, element: 2, path: [1] }],
      [child(2), { kind: "accumulators", section, op: 0, element: 2, chunk: 18 }],
      [
        { to: "element", index: 9 },
        { kind: "scalar", section, op: 0, element: 2, term: 18 * 256 + 9 },
      ],
      [
        { to: "read", read: 2 },
        { kind: "read", section, op: 0, element: 2, term: 18 * 256 + 9, read: 2 },
      ],
    ];
    let position: Position = { kind: "trace" };
    for (const [pointing, after] of route) {
      position = advance(course, position, pointing);
      assert.deepEqual(position, after);
      assert.deepEqual(positionSchema.parse(JSON.parse(JSON.stringify(position))), after);
    }
  });

  it("takes the last leaf of a level without a path to it", () => {
    const step = { list: "step", interval: 3, step: 17 };
    const ops = advance(course, { kind: "steps", interval: 3, path: [] }, { to: "last" });
    assert.deepEqual(ops, { kind: "ops", section: step, path: [] });
    const assembly = advance(course, ops, { to: "last" });
    assert.deepEqual(assembly, { kind: "assembly", section: step, node: 2 });
    const source = advance(course, assembly, child(1));
    assert.deepEqual(source, { kind: "source", section: step, node: 2, child: 1 });
  });

  it("passes over levels of one leaf", () => {
    const short: Course = { ...course, program: { ...program, steps: 3, interval: 1 } };
    const one = { list: "step", interval: 3, step: 0 };
    const after = advance(short, { kind: "trace" }, { to: "final" });
    assert.deepEqual(after, { kind: "ops", section: one, path: [] });
    const only: Course = { ...course, intervals: 1 };
    const init = advance(only, { kind: "trace" }, { to: "prefix" });
    assert.deepEqual(init, { kind: "ops", section: { list: "init" }, path: [] });
  });

  it("ends with nothing to show where a root covers nothing, or is given", () => {
    const prefix: Course = { ...course, intervals: 2 };
    assert.deepEqual(advance(prefix, { kind: "trace" }, { to: "evaluation" }), {
      kind: "nothing",
      of: "evaluation",
    });
    const started: Course = { program, start: 40, intervals: 1 };
    assert.deepEqual(advance(started, { kind: "trace" }, { to: "prefix" }), { kind: "start" });
  });

  it("refuses to point at what is not there", () => {
    const cases: [Position, Pointing][] = [
      [{ kind: "trace" }, child(0)],
      [{ kind: "checkpoints", path: [] }, child(3)],
      [{ kind: "steps", interval: 2, path: [1] }, child(3)],
      [{ kind: "steps", interval: 2, path: [1] }, { to: "last" }],
      [{ kind: "chunks", section, op: 1, path: [] }, child(2)],
      [{ kind: "chunks", section, op: 1, path: [] }, { to: "last" }],
      [
        { kind: "chunk", section, op: 0, chunk: 0 },
        { to: "element", index: 3 },
      ],
      [{ kind: "assembly", section, node: 1 }, child(3)],
      [{ kind: "start" }, child(0)],
      [{ kind: "source", section, node: 0, child: 0 }, child(0)],
    ];
    for (const [position, pointing] of cases) {
      assert.throws(
        () => advance(course, position, pointing),
        (error) => isAssayError(error, "ENGINE_DESCENT_POINT"),
        JSON.stringify([position, pointing]),
      );
    }
  });
});
