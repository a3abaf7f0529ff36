import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, test } from "node:test";
import { knownDeployment } from "@assay/protocol/domain/deployments";
import { isAssayError } from "@assay/protocol/errors";
import type { Deployment } from "@assay/protocol/wire/api";
import { createAssay } from "./index.ts";

const LOCAL_CHAIN = 31_337;
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

/** A server on a free port of this machine. */
const serve = async (
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> => {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify(body));
};

const chainOf = (chainId: number): Promise<string> =>
  serve((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      const { id } = JSON.parse(text) as { id: number };
      json(response, { jsonrpc: "2.0", id, result: `0x${chainId.toString(16)}` });
    });
  });

const marketNaming = (deployment: Deployment): Promise<string> =>
  serve((_request, response) => json(response, deployment));

const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    isAssayError(error, code);

describe("the deployment that a market names", () => {
  const known = knownDeployment(LOCAL_CHAIN);

  test("default: taken where it is the known one of the chain", async () => {
    const assay = createAssay({
      rpcUrl: await chainOf(LOCAL_CHAIN),
      apiUrl: await marketNaming(known),
    });
    assert.deepEqual(await assay.context.deployment(), known);
  });

  test("behavior: refused where a hostile market names contracts of its own", async () => {
    const contracts = { ...known.contracts, market: known.contracts.token };
    const assay = createAssay({
      rpcUrl: await chainOf(LOCAL_CHAIN),
      apiUrl: await marketNaming({ ...known, contracts }),
    });
    await assert.rejects(assay.context.deployment(), withCode("DEPLOYMENT_MISMATCH"));
  });

  test("behavior: refused where the market is on another chain than the node", async () => {
    const assay = createAssay({ rpcUrl: await chainOf(1), apiUrl: await marketNaming(known) });
    await assert.rejects(assay.context.deployment(), withCode("DEPLOYMENT_MISMATCH"));
  });
});

describe("what a market refuses", () => {
  test("default: problem details become an error with the market's code and remedy", async () => {
    const apiUrl = await serve((_request, response) =>
      json(
        response,
        {
          type: "about:blank",
          title: "Not found",
          status: 404,
          detail: "no such job",
          code: "JOB_UNKNOWN",
          remedy: "look again",
        },
        404,
      ),
    );
    const assay = createAssay({
      rpcUrl: apiUrl,
      apiUrl,
      deployment: knownDeployment(LOCAL_CHAIN),
    });
    await assert.rejects(assay.job(`0x${"11".repeat(32)}`), (error: unknown) => {
      assert.ok(isAssayError(error, "JOB_UNKNOWN"));
      assert.equal(error.remedy, "look again");
      assert.equal(error.retryable, false);
      return true;
    });
  });

  test("behavior: an answer of another version is named as such", async () => {
    const apiUrl = await serve((_request, response) => json(response, { hello: "world" }));
    const assay = createAssay({
      rpcUrl: apiUrl,
      apiUrl,
      deployment: knownDeployment(LOCAL_CHAIN),
    });
    await assert.rejects(assay.job(`0x${"11".repeat(32)}`), withCode("API_UNEXPECTED_ANSWER"));
  });

  test("behavior: nobody there is retryable and says how to start a market", async () => {
    const apiUrl = "http://127.0.0.1:9";
    const assay = createAssay({
      rpcUrl: apiUrl,
      apiUrl,
      deployment: knownDeployment(LOCAL_CHAIN),
    });
    await assert.rejects(
      assay.job(`0x${"11".repeat(32)}`),
      (error: unknown) => isAssayError(error, "API_UNREACHABLE") && error.retryable,
    );
  });
});
