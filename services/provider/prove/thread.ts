/**
 * Runs in a thread of its own: makes parts of one submitted run again to answer disputes about it. It reads no file
 * but that of a data set which does not fit into memory, writes none and opens no connection.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { Words } from "@assay/engine/backend";
import { parseProgram } from "@assay/engine/ir/json";
import { openGameRun, type GameRun } from "@assay/engine/trace/game/game";
import { createWasmBackend } from "@assay/engine/wasm/backend";
import { isAssayError } from "@assay/protocol/errors";
import type { Answer, FromThread, RunData, ToThread } from "./messages.ts";

if (parentPort === null) throw new Error("this file runs as a worker thread");
const port = parentPort;
const say = (message: FromThread): void => port.postMessage(message, []);

/** One answer is made at a time, so at most one state is waited for. */
let arrived: ((state: readonly Words[] | undefined) => void) | undefined;

const open = (): GameRun => {
  const { program, data, parent, seed, engine, start, roots } = workerData as RunData;
  return openGameRun({
    program: parseProgram(program),
    inputs: { data, parent, seed },
    backend: createWasmBackend(engine),
    start,
    checkpoints: {
      roots,
      load: (index) =>
        new Promise((resolve) => {
          arrived = resolve;
          say({ kind: "load", index });
        }),
    },
  });
};

let run: GameRun | undefined;

type Question = Exclude<ToThread, { kind: "state" }>;

const put = (to: GameRun, question: Question): Promise<Answer> => {
  switch (question.kind) {
    case "answer":
      return to.answer(question.position, question.claims);
    case "point":
      return to.point(question.position, question.shown);
    default:
      return to.modelChunk(question.tensor, question.chunk);
  }
};

const answer = async (question: Question): Promise<void> => {
  const { id } = question;
  try {
    run ??= open();
    say({ kind: "answered", id, answer: await put(run, question) });
  } catch (error) {
    const coded = isAssayError(error);
    say({
      kind: "failed",
      id,
      code: coded ? error.code : "PROVER_CRASHED",
      message: error instanceof Error ? error.message : String(error),
      remedy: coded ? error.remedy : undefined,
    });
  }
};

port.on("message", (message: ToThread) => {
  if (message.kind === "state") arrived?.(message.state);
  else void answer(message);
});
