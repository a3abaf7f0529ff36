import assert from "node:assert/strict";
import { describe, it } from "node:test";
import vectors from "@assay/protocol/commitments/vectors.json" with { type: "json" };
import { AssayError } from "@assay/protocol/errors";
import { randomProgram } from "../testing/program.ts";
import { commitmentVectors } from "../testing/vectors.ts";
import { nodeHasher } from "../trace/hasher.ts";
import { decodeHeader, decodeOp } from "./decode.ts";
import { encodeHeader, encodeOp } from "./encode.ts";
import { parseProgram, printProgram, programFromJson, programToJson } from "./json.ts";
import { programRoot } from "./root.ts";

const programs = Array.from({ length: 80 }, (_, number) => randomProgram(number).program);

const coded = (code: string, place: string) => (error: unknown) =>
  error instanceof AssayError && error.code === code && error.details["place"] === place;

describe("canonical encoding", () => {
  it("comes back as the same program, names aside", () => {
    for (const program of programs) {
      for (const list of ["init", "step", "eval"] as const) {
        for (const op of program[list]) assert.deepEqual(decodeOp(encodeOp(op)), op);
      }
      const { counts, ...header } = decodeHeader(encodeHeader(program));
      assert.deepEqual(counts, {
        init: program.init.length,
        step: program.step.length,
        eval: program.eval.length,
      });
      const { init: _i, step: _s, eval: _e, ...rest } = program;
      const unnamed = (items: readonly { name: string }[]) =>
        items.map((item) => ({ ...item, name: "" }));
      for (const key of ["data", "parent", "state", "outputs"] as const) {
        assert.deepEqual(unnamed(header[key]), unnamed(rest[key]));
      }
      assert.deepEqual([header.steps, header.interval], [rest.steps, rest.interval]);
    }
  });

  it("has one form only: every shortened, lengthened or unknown encoding is refused", () => {
    const refused = coded("ENGINE_PROGRAM_STRUCTURE", "op");
    for (const op of programs.flatMap((program) => program.step).slice(0, 60)) {
      const bytes = encodeOp(op);
      assert.throws(() => decodeOp(bytes.subarray(0, -1)), refused);
      assert.throws(() => decodeOp(Uint8Array.of(...bytes, 0)), refused);
      assert.throws(() => decodeOp(Uint8Array.of(2, ...bytes.subarray(1))), refused);
      // Any other byte either decodes to what it then encodes, or is refused.
      for (let at = 0; at < bytes.length; at++) {
        const changed = bytes.slice();
        changed[at]! ^= 0x81;
        try {
          assert.deepEqual(encodeOp(decodeOp(changed)), changed);
        } catch (error) {
          assert.ok(refused(error), String(error));
        }
      }
    }
  });

  it("gives each program a root of its own, which names do not change", () => {
    const roots = new Set(programs.map((program) => programRoot(nodeHasher, program)));
    assert.equal(roots.size, programs.length);
    const [program] = programs;
    assert.ok(program);
    const renamed = {
      ...program,
      state: program.state.map((tensor, i) => ({ ...tensor, name: `other ${i}` })),
    };
    assert.equal(programRoot(nodeHasher, renamed), programRoot(nodeHasher, program));
    const longer = { ...program, steps: program.steps + 1 };
    assert.notEqual(programRoot(nodeHasher, longer), programRoot(nodeHasher, program));
  });

  it("the vector file of the commitments holds what the functions give", () => {
    assert.deepEqual(JSON.parse(JSON.stringify(commitmentVectors(nodeHasher))), vectors);
  });
});

describe("program file", () => {
  it("comes back as the same program", () => {
    for (const program of programs) assert.deepEqual(parseProgram(printProgram(program)), program);
  });

  it("names the place of what is wrong", () => {
    const json = programToJson(programs[0]!);
    const faults: [unknown, string][] = [
      [null, "program"],
      [{ ...json, extra: 1 }, "program"],
      [{ ...json, format: "assay-program/9" }, "format"],
      [{ ...json, steps: 1.5 }, "steps"],
      [{ ...json, step: [{ ...json.step[0], op: "exp" }] }, "step[0].op"],
      [
        { ...json, init: [{ ...json.init[0], operands: [{ source: { kind: "cloud" } }] }] },
        "init[0].operands[0].source.kind",
      ],
    ];
    for (const [value, place] of faults) {
      assert.throws(() => programFromJson(value), coded("ENGINE_PROGRAM_STRUCTURE", place), place);
    }
    assert.throws(() => parseProgram("{"), coded("ENGINE_PROGRAM_STRUCTURE", "program"));
  });

  it("refuses a map with a reduction and a fold without one", () => {
    const operands = [{ source: { kind: "immediate" as const, bits: 0, dtype: "f32" as const } }];
    const base = { dtype: "f32" as const, shape: [], operands };
    const json = programToJson(programs[0]!);
    const wrong = [
      { ...base, op: "copy" as const, reduction: [2], initial: 0 },
      { ...base, op: "sum" as const },
      { ...base, op: "sum" as const, reduction: [2] },
    ];
    for (const op of wrong) {
      assert.throws(
        () => programFromJson({ ...json, step: [op] }),
        coded("ENGINE_PROGRAM_STRUCTURE", "step[0]"),
      );
    }
  });
});
