/** How long a job will take here, measured on the job itself. */
import type { Request } from "@assay/protocol/domain/messages";
import { isAssayError } from "@assay/protocol/errors";
import type { Words } from "@assay/engine/backend";
import type { EngineSettings } from "@assay/engine/wasm/settings";
import { measureInSandbox } from "../sandbox/sandbox.ts";
import type { JobInputs } from "./inputs.ts";

const MEASURE_MS = 150;
/** A program whose first steps take longer than this is judged by its work units alone. */
const GIVE_UP_MS = 2_000;

/** Seconds of the whole run under the duty cycle; undefined for a program too slow to measure in a moment. */
export const measuredSeconds = async (
  { programText, data, parent, program }: JobInputs & { readonly parent?: readonly Words[] },
  request: Pick<Request, "seed" | "startStep" | "stepUnits" | "evalUnits">,
  { engine, dutyCycle }: { readonly engine: EngineSettings; readonly dutyCycle: number },
  signal: AbortSignal,
): Promise<number | undefined> => {
  const { seed, startStep, stepUnits, evalUnits } = request;
  const enough = AbortSignal.timeout(GIVE_UP_MS);
  try {
    const { initSeconds, stepSeconds } = await measureInSandbox(
      {
        kind: "measure",
        program: programText,
        data,
        parent,
        seed,
        engine,
        milliseconds: MEASURE_MS,
      },
      AbortSignal.any([signal, enough]),
    );
    // Evaluation runs once; by its units it is worth so many steps.
    const steps = program.steps - startStep + Number(evalUnits) / Math.max(1, Number(stepUnits));
    return (initSeconds + steps * stepSeconds) / dutyCycle;
  } catch (error) {
    if (!signal.aborted && enough.aborted && isAssayError(error, "JOB_STOPPED")) return undefined;
    throw error;
  }
};
