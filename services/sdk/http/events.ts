/** Server-sent events as an async iterable that reconnects where it was cut off. */
import { EventSourceParserStream } from "eventsource-parser/stream";
import { isAssayError } from "@assay/protocol/errors";
import type { AssayContext } from "../context.ts";
import { call } from "./fetch.ts";

export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

export interface StreamOptions {
  readonly headers?: () => Promise<Readonly<Record<string, string>>>;
  readonly signal?: AbortSignal | undefined;
  /** Called each time the connection was lost or could not be opened; it is tried again. */
  readonly onCut?: (() => void) | undefined;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

const pause = (milliseconds: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      finish();
    };
    const stop = (): void => end(() => reject(signal?.reason as Error));
    const timer = setTimeout(() => end(resolve), milliseconds);
    signal?.addEventListener("abort", stop);
  });

/**
 * Yields events until the consumer stops or the server ends the stream with an `end` event. A cut connection is
 * opened again with `Last-Event-ID`; an answer that cannot get better (4xx) is thrown.
 */
export async function* stream(
  context: AssayContext,
  path: string,
  { headers, signal, onCut }: StreamOptions = {},
): AsyncGenerator<StreamEvent> {
  let lastId: string | undefined;
  let wait = FIRST_PAUSE_MS;
  for (;;) {
    signal?.throwIfAborted();
    const abort = new AbortController();
    const forward = (): void => abort.abort(signal?.reason);
    signal?.addEventListener("abort", forward, { once: true });
    try {
      const response = await call(context, path, {
        headers: {
          accept: "text/event-stream",
          ...(lastId === undefined ? {} : { "last-event-id": lastId }),
          ...(await headers?.()),
        },
        signal: abort.signal,
      });
      if (response.body !== null) {
        const events = response.body
          .pipeThrough(new TextDecoderStream())
          .pipeThrough(new EventSourceParserStream());
        for await (const message of events) {
          wait = FIRST_PAUSE_MS;
          if (message.id !== undefined) lastId = message.id;
          if (message.event === "end") return;
          yield { event: message.event ?? "message", data: JSON.parse(message.data) as unknown };
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      // Anything but a coded, final answer of the market is a cut connection.
      if (isAssayError(error) && !error.retryable) throw error;
    } finally {
      signal?.removeEventListener("abort", forward);
      abort.abort();
    }
    onCut?.();
    await pause(wait, signal);
    wait = Math.min(LONGEST_PAUSE_MS, wait * 2);
  }
}
