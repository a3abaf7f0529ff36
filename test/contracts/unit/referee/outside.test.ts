/** What the referee is asked of places that a program does not have, and limits one beyond. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { encodeHeader, encodeOp } from "@assay/engine/ir/encode";
import { LIMITS } from "@assay/engine/ir/limits";
import { SOURCE } from "@assay/engine/ir/types";
import { toHex } from "@assay/protocol/commitments/hash";

import { variedProgram as program } from "../../support/dispute/signed.ts";
import { type Court, type Question, deployCourt } from "../../support/referee.ts";

describe("Referee, of a place that is not there", () => {
  const header = toHex(encodeHeader(program));
  let court: Court;
  before(async () => {
    court = await deployCourt();
  });

  it("refuses the first state tensor, output and parameter behind the last", async () => {
    const op = toHex(encodeOp(program.init[0]!));
    const parameters = program.state.filter(({ parameter }) => parameter).length;
    const asked = (offset: number): Question[] => [
      ["feedsOf", header, program.state.length + offset],
      ["givesState", header, program.state.length + offset, op],
      ["outputOp", header, program.outputs.length + offset],
      ["parameterAt", header, parameters + offset],
    ];
    for (const { error } of await court.ask(asked(-1))) assert.equal(error, undefined);
    for (const { error } of await court.ask(asked(0))) assert.equal(error, "RefereeOutside");
  });

  it("knows no type of what is no tensor", async () => {
    const kinds = [SOURCE.value, SOURCE.immediate, SOURCE.step, SOURCE.index, 7];
    const answers = await court.ask(kinds.map((kind) => ["declaredType", header, kind, 0]));
    for (const { result } of answers) assert.equal(result?.[0], 0n);
  });

  it("finds an interval that is longer than any run may be", async () => {
    const headers = [LIMITS.steps, LIMITS.steps + 1].map((interval) =>
      toHex(encodeHeader({ ...program, interval })),
    );
    const answers = await court.ask(headers.map((bytes) => ["summary", bytes]));
    assert.deepEqual(
      answers.map(({ result }) => result?.[0].fault === 0n),
      [true, false],
    );
  });
});
