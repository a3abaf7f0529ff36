/** A thread that answers for one submitted run. */
import type { Words } from "@assay/engine/backend";
import { wordsOf } from "@assay/engine/columns/column";
import type {
  ChallengerMove,
  Claims,
  Position,
  ProviderMove,
  TensorProof,
} from "@assay/protocol/domain/disputes";
import type { Shown } from "@assay/engine/trace/game/point";
import { AssayError } from "@assay/protocol/errors";
import { startThread } from "@assay/runtime/threads";
import type { Answer, FromThread, RunData, ToThread } from "./messages.ts";

export interface Witness {
  /**
   * What an honest provider shows at a position. Throws ENGINE_GAME_MISMATCH and ENGINE_DESCENT_CHECKPOINT where the run made again is
   * not what was submitted, and PROVER_CRASHED (retryable).
   */
  answer(position: Position, claims: Claims): Promise<ProviderMove>;
  /** What an honest challenger points at; undefined when all that was shown is right. */
  point(position: Position, shown: Shown): Promise<ChallengerMove | undefined>;
  /** A chunk of the model, as a demand wants it shown. */
  modelChunk(tensor: number, chunk: number): Promise<TensorProof>;
  /** Kills the thread; answers under way fail. */
  close(): Promise<void>;
}

const crashed = (message: string, remedy?: string): AssayError =>
  new AssayError("PROVER_CRASHED", `the thread that looks into a run: ${message}`, {
    remedy: remedy ?? "It is started again; nothing is lost.",
    retryable: true,
  });

/** `load` gives the state of a checkpoint, where it is on disk. */
export const openWitness = (
  run: RunData,
  load: (index: number) => Promise<readonly Words[] | undefined>,
): Witness => {
  const worker = startThread(new URL("thread.ts", import.meta.url), run, [
    ...wordsOf(run.data),
    ...run.parent,
  ]);
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();
  let asked = 0;
  let over: AssayError | undefined;
  const send = (message: ToThread, give: readonly Words[] = []): void =>
    worker.postMessage(
      message,
      give.map((words) => words.buffer as ArrayBuffer),
    );
  const end = (error: AssayError): void => {
    over ??= error;
    for (const { reject } of waiting.values()) reject(over);
    waiting.clear();
  };
  const failure = (message: Extract<FromThread, { kind: "failed" }>): AssayError =>
    message.code === "PROVER_CRASHED"
      ? crashed(message.message)
      : new AssayError(
          message.code,
          message.message,
          message.remedy === undefined ? {} : { remedy: message.remedy },
        );

  worker.on("message", (message: FromThread) => {
    if (message.kind === "load") {
      load(message.index).then(
        (state) => send({ kind: "state", state }, state),
        (error: unknown) => {
          end(crashed(error instanceof Error ? error.message : String(error)));
          void worker.terminate();
        },
      );
      return;
    }
    const answer = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === "answered") answer?.resolve(message.answer);
    else answer?.reject(failure(message));
  });
  worker.once("error", (error) => end(crashed(error.message)));
  worker.once("exit", (code) => end(crashed(`ended with ${code}`)));

  /** What comes back is what was asked for: the thread is this project's own code. */
  const ask = <T extends Answer>(question: (id: number) => ToThread): Promise<T> => {
    if (over !== undefined) return Promise.reject(over);
    const answer = Promise.withResolvers<Answer>();
    const id = ++asked;
    waiting.set(id, answer);
    send(question(id));
    return answer.promise as Promise<T>;
  };

  return {
    answer: (position, claims) => ask((id) => ({ kind: "answer", id, position, claims })),
    point: (position, shown) => ask((id) => ({ kind: "point", id, position, shown })),
    modelChunk: (tensor, chunk) => ask((id) => ({ kind: "show", id, tensor, chunk })),
    close: async () => {
      end(crashed("closed"));
      await worker.terminate();
    },
  };
};
