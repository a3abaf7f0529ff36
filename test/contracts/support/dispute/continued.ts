/** Runs that go on from the last state of a recorded job. */
import type { InputsInMemory } from "@assay/engine/backend";
import type { Program } from "@assay/engine/ir/types";
import type { Request } from "@assay/protocol/domain/messages";

import { type Court, signOff, submitRun } from "./court.ts";
import { type Fault, Run } from "./run.ts";

/** A run whose states up to `startStep` somebody else has made: the same as if it had made them. */
export class ContinuedRun extends Run {
  readonly #startStep: number;

  constructor(program: Program, inputs: InputsInMemory, startStep: number, fault?: Fault) {
    super(program, inputs, fault);
    this.#startStep = startStep;
  }

  override get startStep(): number {
    return this.#startStep;
  }
}

/** Puts the first steps of a program on record, and gives what a request says that goes on from there. */
export async function recordStart(
  court: Court,
  program: Program,
  inputs: InputsInMemory,
  startStep: number,
): Promise<Partial<Request>> {
  const first = new Run({ ...program, steps: startStep }, inputs);
  const { job, submission } = await submitRun(court, first, first, inputs.seed);
  const parentIndex = Number(
    await court.provenance.getFunction("recordCount")(submission.modelRoot),
  );
  await signOff(court, job);
  const { modelRoot: parentRoot, stateRoot: startRoot } = submission;
  return { parentRoot, parentIndex, startRoot, startStep };
}
