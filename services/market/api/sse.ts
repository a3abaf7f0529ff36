/** Server-sent events: frames, keep-alive comments, and an orderly end when the server closes. */
import { toWire } from "@assay/protocol/wire/scalars";
import type { FastifyReply, FastifyRequest } from "fastify";

const KEEP_ALIVE = 15_000;
/** Bytes that may wait for a slow reader before its stream is cut; it comes back and reads the newest state. */
const MOST_WAITING = 1024 * 1024;

export interface EventStream {
  send(event: string, data: unknown, id?: string | number): void;
  /** Tells the client that nothing more will come. */
  end(): void;
  /** Called once the client has gone or the stream ended. */
  onClose(listener: () => void): void;
  readonly closed: boolean;
}

/** All open streams of a server, so that it can close. */
export class Streams {
  readonly #open = new Set<() => void>();

  get size(): number {
    return this.#open.size;
  }

  open(request: FastifyRequest, reply: FastifyReply): EventStream {
    reply.hijack();
    const { raw } = reply;
    const listeners = new Set<() => void>();
    let closed = false;
    let keepAlive: NodeJS.Timeout | undefined;
    const write = (text: string): void => {
      if (closed) return;
      raw.write(text);
      if (raw.writableLength > MOST_WAITING) raw.destroy();
    };
    const cut = (): void => {
      raw.end();
    };
    const close = (): void => {
      if (closed) return;
      closed = true;
      clearInterval(keepAlive);
      this.#open.delete(cut);
      for (const listener of listeners) listener();
    };
    raw.on("close", close);
    raw.on("error", () => raw.destroy());
    // A client that left while the route waited will not be told of again.
    if (raw.destroyed || request.raw.socket.destroyed) close();
    else {
      this.#open.add(cut);
      request.raw.socket.setNoDelay(true);
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache, no-transform",
        connection: "keep-alive",
        "x-accel-buffering": "no",
      });
      write(": stream\n\n");
      keepAlive = setInterval(() => write(": keep-alive\n\n"), KEEP_ALIVE);
    }
    return {
      send(event, data, id) {
        const head = id === undefined ? "" : `id: ${id}\n`;
        write(`${head}event: ${event}\ndata: ${JSON.stringify(toWire(data))}\n\n`);
      },
      end() {
        if (closed) return;
        raw.write("event: end\ndata: {}\n\n");
        raw.end();
      },
      onClose(listener) {
        if (closed) listener();
        else listeners.add(listener);
      },
      get closed() {
        return closed;
      },
    };
  }

  closeAll(): void {
    for (const cut of this.#open) cut();
  }
}

/**
 * Runs `task` for each call of the result, one run at a time; calls during a run cause one more run after it. What a
 * stream does on each change: it always sends the newest state, and never two states out of order.
 */
export const coalesce = (
  task: () => Promise<void>,
  onError: (error: unknown) => void,
): (() => void) => {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    running = true;
    try {
      do {
        again = false;
        await task();
      } while (again);
    } catch (error) {
      onError(error);
    } finally {
      running = false;
    }
  };
  return () => {
    if (running) again = true;
    else void run();
  };
};
