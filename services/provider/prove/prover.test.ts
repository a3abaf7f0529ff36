import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "@assay/protocol/domain/messages";
import { AssayError } from "@assay/protocol/errors";
import { createLogger } from "@assay/runtime/logger";
import type { TransactionSender } from "@assay/runtime/transactions";
import type { Game } from "@assay/sdk/disputes/game";
import { zeroAddress, zeroHash } from "viem";
import { createProver, type ProverParts } from "./prover.ts";
import { gameAt } from "./testing.ts";

const DISPUTES = `0x${"22".repeat(20)}` as const;
const job = {
  terms: { jobId: zeroHash, disputes: DISPUTES, collateral: 70n, price: 30n, paramsVersion: 1 },
  progress: { checkpoint: 2, stateRoot: zeroHash },
} as unknown as Job;
const memory = {
  jobs: new Map([
    [zeroHash, { jobId: zeroHash, agreed: true, end: undefined, request: { replicas: 1 } }],
  ]),
} as unknown as ProverParts["notebook"]["memory"];

/** A prover whose chain shows these games for good, and what it sent and opened. */
const proverOf = (
  t: TestContext,
  games: readonly Game[],
  openRun: ProverParts["openRun"],
  rivals: readonly Game[] = [],
) => {
  const sent: { name: string; key: string }[] = [];
  const lines: string[] = [];
  const abort = new AbortController();
  const prover = createProver({
    follower: {
      look: () => Promise.resolve(games),
      rivals: () => Promise.resolve(rivals),
      demands: () => Promise.resolve([]),
      forget: () => undefined,
    },
    readGame: () => Promise.resolve({ ...games[0]!, end: "challenger lost" }),
    chain: {
      now: () => Promise.resolve(1_010),
      job: () =>
        Promise.resolve({
          state: "submitted" as const,
          found: { job, prefixRoot: zeroHash } as unknown as Awaited<
            ReturnType<ProverParts["chain"]["job"]>
          >["found"],
        }),
      parametersAt: () => Promise.resolve({ disputeClock: 60 } as never),
    },
    sender: {
      send: (({ functionName, key }: { functionName: string; key: string }) => {
        sent.push({ name: functionName, key });
        return Promise.resolve({ hash: zeroHash, receipt: { gasUsed: 1n } });
      }) as unknown as TransactionSender["send"],
    },
    notebook: { memory },
    openRun,
    places: 1,
    pollMs: 5,
    logger: createLogger({
      name: "test",
      destination: { write: (line: string) => void lines.push(line) },
    }),
    onChange: () => undefined,
    replicasOf: () => Promise.resolve([]),
    programOf: () => Promise.reject(new Error("there are no replicas")),
    bonds: {
      provider: zeroAddress,
      isOwnKey: true,
      most: undefined,
      paymentOf: () => Promise.reject(new Error("nothing is paid for")),
    },
    onFatal: (error) => {
      throw error;
    },
    signal: abort.signal,
  });
  const playing = prover.play();
  t.after(async () => {
    abort.abort();
    await playing;
  });
  return { prover, sent, lines };
};

const until = async (holds: () => boolean, what: string): Promise<void> => {
  const end = Date.now() + 180_000;
  while (!holds()) {
    assert.ok(Date.now() < end, what);
    await sleep(5);
  }
};

test("a run found to differ twice is given up: said once with its code, and not one transaction", async (t) => {
  let opened = 0;
  const { prover, sent, lines } = proverOf(t, [gameAt("checkpoint", "open")], () => {
    opened++;
    return Promise.reject(new AssayError("PROVER_RUN_DIFFERS", "other roots"));
  });
  const problem = (): string | null | undefined => prover.disputes()[0]?.problem;
  await until(() => problem() === "lost (PROVER_RUN_DIFFERS)", "giving up");
  await sleep(100);
  assert.equal(opened, 2);
  assert.deepEqual(sent, []);
  assert.equal(lines.filter((line) => line.includes("not the one submitted")).length, 1);
});

test("a challenger that let its clock run out is ended even where nothing can be answered", async (t) => {
  const silent = gameAt("op", "point", {
    gameId: 2n,
    clocks: { movedAt: 900, providerLeft: 60, challengerLeft: 90 },
  });
  const { sent } = proverOf(t, [gameAt("checkpoint", "open"), silent], () =>
    Promise.reject(new AssayError("GATEWAY_UNREACHABLE", "nobody", { retryable: true })),
  );
  await until(() => sent.length > 0, "a timeout");
  assert.equal(sent[0]?.name, "timeoutChallenger");
});

test("what may pass is tried again, and the status says what it is meanwhile", async (t) => {
  let tries = 0;
  const { prover } = proverOf(t, [gameAt("checkpoint", "open")], () => {
    tries++;
    return Promise.reject(new AssayError("GATEWAY_UNREACHABLE", "nobody", { retryable: true }));
  });
  await until(() => tries >= 1, "the first try");
  await until(() => prover.disputes()[0]?.problem === "GATEWAY_UNREACHABLE", "the status");
  await until(() => tries >= 2, "the second try");
  assert.deepEqual(
    prover
      .disputes()
      .map(({ atRisk, bond, deadline, ourMove }) => [atRisk, bond, deadline, ourMove]),
    [[100n, 5n, 1_060, true]],
  );
});

test("of several games the one with the earliest deadline is answered first", async (t) => {
  const order: bigint[] = [];
  const at = (gameId: bigint, providerLeft: number) =>
    gameAt("checkpoint", "open", {
      gameId,
      // A run of its own for each, told apart by its checkpoints.
      bindings: { ...gameAt("checkpoint", "open").bindings, checkpoints: Number(gameId) },
      clocks: { movedAt: 1_000, providerLeft, challengerLeft: 90 },
    });
  const games = [at(1n, 300), at(2n, 100), at(3n, 200)];
  proverOf(t, games, (_, { checkpoints }) => {
    order.push(BigInt(checkpoints));
    return Promise.reject(new AssayError("GATEWAY_UNREACHABLE", "nobody", { retryable: true }));
  });
  await until(() => order.length >= 3, "three answers");
  assert.deepEqual(order.slice(0, 3), [2n, 3n, 1n]);
});

test("a game that this replica was made to begin is won where the other one falls silent", async (t) => {
  const silent = gameAt("op", "open", {
    clocks: { movedAt: 900, providerLeft: 60, challengerLeft: 90 },
  });
  const never = () => Promise.reject(new Error("nothing is to be opened"));
  const { sent, prover } = proverOf(t, [], never, [silent]);
  await until(() => sent.length > 0, "a timeout");
  assert.equal(sent[0]?.name, "timeoutProvider");
  assert.equal(prover.disputes()[0]?.ourMove, false);
});
