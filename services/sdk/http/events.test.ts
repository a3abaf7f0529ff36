import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { createAssay } from "../index.ts";
import { stream, type StreamEvent, type StreamOptions } from "./events.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves one handler after another, a connection each, and follows them to the end. */
const follow = async (
  handlers: readonly Handler[],
  options: StreamOptions = {},
): Promise<StreamEvent[]> => {
  const left = [...handlers];
  const server = createServer((request, response) => {
    const handler = left.shift();
    if (handler === undefined) response.destroy();
    else handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { context } = createAssay({
    rpcUrl: "http://127.0.0.1:9",
    apiUrl: `http://127.0.0.1:${port}/`,
  });
  const seen: StreamEvent[] = [];
  try {
    for await (const event of stream(context, "/events", options)) seen.push(event);
    return seen;
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

const send = (response: ServerResponse, ...blocks: string[]): void => {
  if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
  for (const block of blocks) response.write(`${block}\n\n`);
};

const END = "event: end\ndata: {}";

describe("stream", () => {
  test("default: yields each event parsed, until the server ends it", async () => {
    const seen = await follow([
      (_request, response) => send(response, 'event: job\ndata: {"a":1}', "data: 2", END),
    ]);
    assert.deepEqual(seen, [
      { event: "job", data: { a: 1 } },
      { event: "message", data: 2 },
    ]);
  });

  test("behavior: goes on after the last event where the connection was cut, and says so", async () => {
    const asked: (string | undefined)[] = [];
    let cuts = 0;
    const seen = await follow(
      [
        (_request, response) => {
          send(response, 'id: 7\nevent: job\ndata: "first"');
          setImmediate(() => response.destroy());
        },
        (_request, response) => response.destroy(),
        (_request, response) => response.writeHead(503).end("{}"),
        (request, response) => {
          asked.push(request.headers["last-event-id"] as string | undefined);
          send(response, 'id: 8\nevent: job\ndata: "second"', END);
        },
      ],
      { onCut: () => (cuts += 1) },
    );
    assert.deepEqual(
      seen.map(({ data }) => data),
      ["first", "second"],
    );
    assert.deepEqual(asked, ["7"]);
    assert.equal(cuts, 3);
  });

  test("error: an answer that cannot get better is thrown with the market's code", async () => {
    const problem = {
      type: "about:blank",
      title: "unknown",
      status: 404,
      code: "JOB_UNKNOWN",
      detail: "There is no such job.",
    };
    const refuse: Handler = (_request, response) =>
      response
        .writeHead(404, { "content-type": "application/problem+json" })
        .end(JSON.stringify(problem));
    await assert.rejects(follow([refuse]), (error) => isAssayError(error, "JOB_UNKNOWN"));
  });

  test("behavior: a signal ends it, also between two tries", async () => {
    const abort = new AbortController();
    const stopped = new Error("enough");
    await assert.rejects(
      follow([], { signal: abort.signal, onCut: () => abort.abort(stopped) }),
      (error) => error === stopped,
    );
  });
});
