/** A node's HTTP interface between a program and the chain, which can fail as real ones do. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the caller gets; "cut": no answer, and the connection breaks. */
export type RpcAnswer = { readonly status: number; readonly body: string } | "cut";

/** Decides about one call; `method`: of a batch all of them, between commas. `forward` asks the real node, any number of times. */
export type Meddle = (method: string, forward: () => Promise<string>) => Promise<RpcAnswer>;

export interface RpcProxy {
  readonly url: string;
  /** Methods of all calls so far, in order. */
  readonly calls: readonly string[];
  set(meddle: Meddle): void;
  /** Lets everything through again. */
  pass(): void;
  /** Answers nobody until the next `pass` or `set`. */
  down(): void;
  close(): Promise<void>;
}

const honest: Meddle = async (_method, forward) => ({ status: 200, body: await forward() });
const HEADERS = { "content-type": "application/json" };

export const startRpcProxy = async (target: string): Promise<RpcProxy> => {
  let meddle = honest;
  const calls: string[] = [];

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString();
    const asked = JSON.parse(body) as { method: string } | { method: string }[];
    const method = [asked]
      .flat()
      .map((one) => one.method)
      .join(",");
    calls.push(method);
    const answer = await meddle(method, async () =>
      (await fetch(target, { method: "POST", headers: HEADERS, body })).text(),
    );
    if (answer === "cut") response.destroy();
    else response.writeHead(answer.status, HEADERS).end(answer.body);
  };

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    set(next) {
      meddle = next;
    },
    pass() {
      meddle = honest;
    },
    down() {
      meddle = () => Promise.resolve("cut");
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
