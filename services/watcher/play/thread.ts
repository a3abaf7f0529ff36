/** Runs in a thread of its own: one's own run of a stranger's program, opened for games. */
import { parentPort, workerData } from "node:worker_threads";
import { parseProgram } from "@assay/engine/ir/json";
import { folderCheckpoints } from "@assay/engine/trace/descent/checkpoints";
import { openGameRun } from "@assay/engine/trace/game/game";
import { createWasmBackend } from "@assay/engine/wasm/backend";
import type { Claims } from "@assay/protocol/domain/disputes";
import { isAssayError } from "@assay/protocol/errors";
import type { Answer, Question, Table } from "./messages.ts";

if (parentPort === null) throw new Error("this file runs as a worker thread");
const port = parentPort;

const table = workerData as Table;
const { program: text, data, parent, seed, folder, startStep, roots } = table;
const program = parseProgram(text);
const run = openGameRun({
  program,
  inputs: { data, parent, seed },
  backend: createWasmBackend(table.engine),
  checkpoints: folderCheckpoints(folder, program, startStep ?? 0, roots),
  start: startStep ?? null,
});

const NO_CLAIMS: Claims = { values: [0, 0, 0], rows: [0, 0, 0], accumulator: 0 };

const answer = async (question: Question): Promise<Answer> => {
  const { id, position } = question;
  try {
    if (question.ask === "move") return { id, move: await run.point(position, question.shown) };
    const judge = await run.answer(position, NO_CLAIMS);
    return { id, scalar: await run.scalar(position), judge };
  } catch (error) {
    return {
      id,
      code: isAssayError(error) ? error.code : "WATCHER_GAME_FAILED",
      message: error instanceof Error ? error.message : String(error),
    };
  }
};

port.on("message", (question: Question) => {
  void answer(question).then((said) => port.postMessage(said, []));
});
