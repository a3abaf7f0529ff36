/** Moves of one job's games, from the watcher's own run, in a thread that can be killed and started again. */
import { copyColumns, wordsOf } from "@assay/engine/columns/column";
import type { Scalar } from "@assay/engine/trace/game/scalar";
import type { ChallengerMove, ProviderMove } from "@assay/protocol/domain/disputes";
import { AssayError } from "@assay/protocol/errors";
import { startThread } from "@assay/runtime/threads";
import type { Game } from "@assay/sdk/disputes/game";
import type { Worker } from "node:worker_threads";
import { crashed } from "../crashed.ts";
import type { Answer, Question, Table } from "./messages.ts";

export interface Player {
  /** What to point at; undefined where nothing that was shown differs. Throws the engine's codes, REPLAY_CRASHED */
  move(game: Game): Promise<ChallengerMove | undefined>;
  /** The operation that a game came to, and the move with which an honest provider would show it. */
  scalar(game: Game): Promise<{ readonly scalar: Scalar; readonly judge: ProviderMove }>;
  close(): Promise<void>;
}

type Asked = Question extends infer Q ? (Q extends unknown ? Omit<Q, "id"> : never) : never;

export const createPlayer = (table: Table): Player => {
  let worker: Worker | undefined;
  let nextId = 0;
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();

  const ended = (cause: Error): void => {
    worker = undefined;
    for (const [id, wait] of waiting) {
      waiting.delete(id);
      wait.reject(crashed(cause));
    }
  };

  const started = (): Worker => {
    if (worker !== undefined) return worker;
    const data = copyColumns(table.data);
    const parent = table.parent.map((words) => words.slice());
    const made = startThread(new URL("thread.ts", import.meta.url), { ...table, data, parent }, [
      ...wordsOf(data),
      ...parent,
    ]);
    made.on("message", (answer: Answer) => {
      waiting.get(answer.id)?.resolve(answer);
      waiting.delete(answer.id);
    });
    made.once("error", ended);
    made.once("exit", (code) => ended(new Error(`thread ended with ${code}`)));
    // Nothing but its questions keeps it.
    made.unref();
    worker = made;
    return made;
  };

  const ask = async (asked: Asked): Promise<Answer> => {
    const id = nextId++;
    const wait = Promise.withResolvers<Answer>();
    waiting.set(id, wait);
    started().postMessage({ ...asked, id }, []);
    const answer = await wait.promise;
    if ("code" in answer) throw new AssayError(answer.code, answer.message);
    return answer;
  };

  return {
    move: async ({ position, shown }) => {
      const answer = await ask({ ask: "move", position, shown });
      return "move" in answer ? answer.move : undefined;
    },
    scalar: async ({ position }) => {
      const answer = await ask({ ask: "scalar", position });
      if ("scalar" in answer) return answer;
      throw new Error("another answer than to what was asked");
    },
    close: async () => {
      await worker?.terminate();
    },
  };
};
