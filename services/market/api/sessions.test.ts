import assert from "node:assert/strict";
import { after, before, describe, mock, test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { createLogger } from "@assay/runtime/logger";
import type { FastifyRequest } from "fastify";
import { privateKeyToAccount } from "viem/accounts";
import { createSiweMessage } from "viem/siwe";
import type { ChainReads } from "../chain.ts";
import { openDatabase, type Database } from "../database/open.ts";
import { addressOf } from "../testing/markets.ts";
import { createSessions, signInOrigins, type Sessions } from "./sessions.ts";

describe("sessions", () => {
  const account = privateKeyToAccount(`0x${"42".repeat(32)}`);
  const provider = addressOf(3);
  let database: Database;
  let sessions: Sessions;
  let asked = 0;
  let isOperator = true;

  const signIn = async (url: string, change: { uri?: string; provider?: boolean } = {}) => {
    const message = createSiweMessage({
      address: account.address,
      domain: new URL(url).host,
      uri: change.uri ?? new URL(url).origin,
      version: "1",
      chainId: 7,
      nonce: await sessions.nonce(),
    });
    const signature = await account.signMessage({ message });
    return sessions.open({ message, signature, ...(change.provider === true ? { provider } : {}) });
  };

  before(async () => {
    database = await openDatabase({ logger: createLogger({ name: "test", level: "silent" }) });
    const chain: Pick<ChainReads, "isOperator"> = {
      isOperator: () => {
        asked++;
        return Promise.resolve(isOperator);
      },
    };
    sessions = createSessions({
      prisma: database.prisma,
      chain: chain as ChainReads,
      chainId: 7,
      origins: () => signInOrigins("http://127.0.0.1:8421", "https://market.example"),
    });
  });
  after(() => database.close());

  test("regression: a message signed for another market is refused, whatever host the caller names", async () => {
    const refused = (error: unknown): boolean => isAssayError(error, "SESSION_REFUSED");
    await assert.rejects(signIn("https://hostile.example"), refused);
    await assert.rejects(signIn("http://127.0.0.1:9999"), refused);
    await assert.rejects(
      signIn("https://market.example", { uri: "https://hostile.example" }),
      refused,
    );
    for (const url of ["https://market.example", "http://127.0.0.1:8421", "http://localhost:8421"])
      assert.equal((await signIn(url)).provider, account.address);
  });

  test("default: without a public URL a market is reached where it listens", () => {
    assert.deepEqual(signInOrigins("http://192.0.2.7:80", undefined), ["http://192.0.2.7"]);
    assert.deepEqual(signInOrigins("http://127.0.0.1:8421", undefined), [
      "http://127.0.0.1:8421",
      "http://localhost:8421",
      "http://[::1]:8421",
    ]);
  });

  test("regression: the session of an operator who is none any more ends within a minute", async () => {
    const { token } = await signIn("https://market.example", { provider: true });
    const request = { headers: { authorization: `Bearer ${token}` } } as FastifyRequest;
    const already = asked;
    assert.equal(await sessions.providerOf(request), provider);
    assert.equal(asked, already);
    isOperator = false;
    mock.timers.enable({ apis: ["Date"], now: Date.now() + 61_000 });
    try {
      await assert.rejects(sessions.providerOf(request), (error) =>
        isAssayError(error, "SESSION_EXPIRED"),
      );
    } finally {
      mock.timers.reset();
    }
  });
});
