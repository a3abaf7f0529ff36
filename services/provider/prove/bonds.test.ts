import assert from "node:assert/strict";
import { test } from "node:test";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { createLogger } from "@assay/runtime/logger";
import type { Payment, PaymentCall } from "@assay/sdk/disputes/payment";
import { zeroAddress, zeroHash, type Address } from "viem";
import { createBonds, type BondTerms } from "./bonds.ts";

const PROVIDER: Address = "0x00000000000000000000000000000000000000A1";
const STAKE = { disputes: zeroAddress, jobId: zeroHash, pair: "ours:theirs" };
const BOND = 100n;

const callOf = (functionName: PaymentCall["functionName"], amount: bigint): PaymentCall => ({
  address: zeroAddress,
  abi: [],
  functionName,
  args: [zeroAddress, amount],
});
/** Sixty of the bond are in the wallet only, and nothing was allowed yet. */
const SHORT: Payment = {
  missing: 60n,
  wallet: 60n,
  calls: [callOf("approve", 60n), callOf("deposit", 60n), callOf("allowModule", BOND)],
};
const refusedBond = () =>
  new AssayError("LEDGER_NOT_ALLOWED", "the ledger", { details: { needed: BOND } });

/** A game that asks for a bond until it was allowed, and what was sent for it. */
const bondsOf = (payment: Payment, terms: Partial<BondTerms> = {}) => {
  const sent: string[] = [];
  let begun = 0;
  const bonds = createBonds({
    provider: PROVIDER,
    isOwnKey: true,
    most: undefined,
    paymentOf: () => Promise.resolve(payment),
    send: (key) => {
      sent.push(key);
      return Promise.resolve(1n);
    },
    logger: createLogger({ name: "test", level: "silent" }),
    ...terms,
  });
  const begin = (): Promise<number> => {
    begun++;
    return sent.length < payment.calls.length
      ? Promise.reject(refusedBond())
      : Promise.resolve(begun);
  };
  return { bonds, begin, sent };
};

test("the bond is deposited and allowed, and the game is begun again", async () => {
  const { bonds, begin, sent } = bondsOf(SHORT);
  assert.equal(await bonds.covering(STAKE, begin), 2);
  assert.deepEqual(sent, [
    "bond:ours:theirs:approve:60",
    "bond:ours:theirs:deposit:60",
    "bond:ours:theirs:allowModule:100",
  ]);
});

test("nothing is moved for a game that takes no bond, or that was refused for another reason", async () => {
  const { bonds, sent } = bondsOf(SHORT);
  assert.equal(await bonds.covering(STAKE, () => Promise.resolve("begun")), "begun");
  const done = new AssayError("DISPUTE_DONE", "they have played");
  await assert.rejects(
    bonds.covering(STAKE, () => Promise.reject(done)),
    (error) => error === done,
  );
  assert.deepEqual(sent, []);
});

test("the owner's limit holds, to the last base unit", async () => {
  const held = bondsOf(SHORT, { most: BOND - 1n });
  await assert.rejects(held.bonds.covering(STAKE, held.begin), (error) =>
    isAssayError(error, "PROVER_BOND_TOO_HIGH"),
  );
  assert.deepEqual(held.sent, []);
  const enough = bondsOf(SHORT, { most: BOND });
  assert.equal(await enough.bonds.covering(STAKE, enough.begin), 2);
});

test("where wallet and balance together are too little nothing is moved", async () => {
  const { bonds, begin, sent } = bondsOf({ ...SHORT, wallet: 59n });
  await assert.rejects(bonds.covering(STAKE, begin), (error) =>
    isAssayError(error, "PROVER_BOND_MISSING"),
  );
  assert.deepEqual(sent, []);
});

test("an operator's key moves nothing of the provider's, and says who can", async () => {
  const operator = { isOwnKey: false };
  const unallowed = bondsOf(SHORT, operator);
  await assert.rejects(
    unallowed.bonds.covering(STAKE, unallowed.begin),
    (error) =>
      isAssayError(error, "PROVER_BOND_NOT_ALLOWED") &&
      error.remedy?.includes("assay provider bonds") === true,
  );
  const allowed = bondsOf({ ...SHORT, calls: [callOf("deposit", 60n)] }, operator);
  await assert.rejects(allowed.bonds.covering(STAKE, allowed.begin), (error) =>
    isAssayError(error, "PROVER_BOND_MISSING"),
  );
  assert.deepEqual([...unallowed.sent, ...allowed.sent], []);
});

test("two games do not count on the same money: the second is begun after the first", async () => {
  const order: string[] = [];
  const { bonds } = bondsOf(SHORT);
  const first = Promise.withResolvers<void>();
  const one = bonds.covering(STAKE, async () => {
    order.push("first begins");
    await first.promise;
    order.push("first is mined");
  });
  const two = bonds.covering(STAKE, () => Promise.resolve(order.push("second begins")));
  await Promise.resolve();
  first.resolve();
  await Promise.all([one, two]);
  assert.deepEqual(order, ["first begins", "first is mined", "second begins"]);
});
