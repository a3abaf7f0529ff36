import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { placeData } from "@assay/engine/columns/place";
import { column, tensorListRoot } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";
import { printProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import { workUnits } from "@assay/engine/ir/units";
import { smallClassifier } from "@assay/engine/testing/small-classifier";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import { digestOf } from "@assay/protocol/signing/typed-data";
import type { Proposal } from "@assay/protocol/wire/api";
import { canonicalHash, constraintsSchema } from "@assay/protocol/wire/description";
import { digestOf as digestOfCid } from "@assay/storage/cid";
import { contentStore } from "@assay/storage/content";
import { memoryBlocks } from "@assay/storage/memory";
import { zeroAddress, zeroHash } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import type { Chain } from "../chain/chain.ts";
import { openNotebook } from "../journal/notebook.ts";
import { answer, type AnswerParts } from "./answer.ts";
import type { InputLimits } from "./inputs.ts";
import { createPlaces } from "./places.ts";
import { createPrefetch } from "./prefetch.ts";

const program = smallClassifier({ trainRows: 2 ** 14, steps: 10, interval: 5 });
const columns = program.data.map(({ name, dtype, shape }) =>
  column(name, { dtype, shape }, Array(shape.reduce((a, b) => a * b, 1)).fill(1)),
);

test("an agent does not sign what it cannot defend in time, nor once it is told to drain", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "assay-answer-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const proposalsDir = join(folder, "proposals");
  await mkdir(proposalsDir);
  const account = privateKeyToAccount(generatePrivateKey());
  const domain = { chainId: 1, market: zeroAddress };
  const notebook = await openNotebook(join(folder, "journal.jsonl"), {
    ...domain,
    provider: account.address,
  });
  t.after(() => notebook.close());
  const store = contentStore(memoryBlocks());
  const constraints = constraintsSchema.parse({});
  const units = workUnits(program);
  const request: Proposal["request"] = {
    requester: zeroAddress,
    nonce: 1n,
    programRoot: programRoot(nodeHasher, program),
    dataRoot: tensorListRoot(nodeHasher, columns),
    programCid: digestOfCid(await store.putFile(Buffer.from(printProgram(program)))),
    dataCid: digestOfCid(await store.putFile(encodeSafetensors(columns))),
    startRoot: zeroHash,
    startStep: 0,
    parentRoot: zeroHash,
    parentIndex: 0,
    seed: 1n,
    numerics: 1,
    executor: 0,
    access: 0,
    replicas: 1,
    steps: program.steps,
    interval: program.interval,
    initUnits: units.init,
    stepUnits: units.step,
    evalUnits: units.eval,
    runTime: 3_600,
    expiry: 2_000,
    exclusiveUntil: 0,
    matcher: zeroAddress,
    matcherFee: 0n,
    maximum: 10n ** 20n,
    auditLine: 0n,
    minCollateral: 0n,
    statedLoss: 0n,
    maxProtocolFeeBps: 100,
    constraintsHash: canonicalHash(constraints),
  };
  const proposal: Proposal = {
    id: "p",
    requestDigest: digestOf(domain, "Request", request),
    request,
    constraints,
    requestSignature: "0x",
    unitPrice: 10n ** 18n,
    collateral: 10n ** 20n,
    answerBy: Math.floor(Date.now() / 1000) + 600,
  };
  let draining = false;
  let disputeClock = 0;
  const limits = { maxDataBytes: 2 ** 20, memoryBytes: 2 ** 26, engine: PLAIN_ENGINE };
  const { signal } = new AbortController();
  const prefetchWith = (given: InputLimits, from = store) =>
    createPrefetch({ store: from, limits: given, dir: proposalsDir, most: 1, signal });
  const parts: AnswerParts = {
    chain: {
      now: () => Promise.resolve(1_000),
      parameters: () =>
        Promise.resolve({
          version: 1,
          protocolFeeBps: 100,
          collateralBps: 10_000,
          disputeClock,
        }),
      stake: () => Promise.resolve({ total: 10n ** 21n, locked: 0n, leaving: 0n, reserved: 0n }),
    } as unknown as Chain,
    domain,
    account,
    provider: account.address,
    notebook,
    store,
    limits,
    prefetch: prefetchWith(limits),
    dutyCycle: 1,
    crowding: () => 1,
    places: createPlaces(2),
    policy: () => ({
      unitPrice: 1n,
      maxCollateral: 10n ** 21n,
      maxStatedLoss: 0n,
      unitsPerSecond: 10 ** 9,
    }),
    draining: () => draining,
    signal,
  };
  const first = await answer(parts, proposal);
  assert.equal(first.kind === "refused" && first.refusal.code, "REPLAY_TOO_LONG");
  disputeClock = 86_400;
  assert.equal((await answer(parts, proposal)).kind, "accepted");
  // With memory for no more than a step reads, the data is measured from a file, which is gone with the answer.
  const { needed } = placeData(program, { ...limits, memoryBytes: 0 });
  const scarce = prefetchWith({ ...limits, memoryBytes: needed });
  const places = createPlaces(1);
  assert.equal((await answer({ ...parts, places, prefetch: scarce }, proposal)).kind, "accepted");
  assert.deepEqual(await readdir(proposalsDir), []);
  const prefetch = prefetchWith({ ...limits, memoryBytes: needed - 1 });
  const hurried = { ...proposal, answerBy: 0 };
  const slow = await answer({ ...parts, places: createPlaces(1), prefetch: scarce }, hurried);
  assert.equal(slow.kind === "refused" && slow.refusal.code, "INPUTS_TOO_SLOW");
  const large = await answer({ ...parts, places: createPlaces(1), prefetch }, proposal);
  assert.equal(large.kind === "refused" && large.refusal.code, "MEMORY_TOO_LARGE");
  const drainsMeanwhile = {
    ...store,
    getFile: (...rest: Parameters<typeof store.getFile>) => {
      draining = true;
      return store.getFile(...rest);
    },
  };
  const second = await answer(
    { ...parts, prefetch: prefetchWith(limits, drainsMeanwhile) },
    proposal,
  );
  assert.equal(second.kind === "refused" && second.refusal.code, "PROVIDER_DRAINING");
  assert.equal(notebook.memory.jobs.size, 2);
  assert.equal(parts.places.free, 1);
});
