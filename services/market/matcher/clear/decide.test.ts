import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NOW, RATES, addressOf, randomAsk, randomOffer, seeded } from "../../testing/markets.ts";
import { Book } from "../book/book.ts";
import type { BookOffer } from "../book/offer.ts";
import { totalsAt, compileQuery, type Ask } from "../book/query.ts";
import { decide, type OpenRequest } from "./decide.ts";
import { quote } from "./quote.ts";

const random = seeded(5);
const NOW_HERE = { rates: RATES, now: NOW, token: { symbol: "TEST", decimals: 6 } };
const PRICE_ONLY = { price: 1, time: 0, reputation: 0, carbon: 0 };

const BASE = randomAsk(random, 1);

const ask = (change: Partial<Ask> = {}): Ask => ({
  ...BASE,
  runTime: 10_000,
  maximum: 10n ** 9n,
  minCollateral: 0n,
  statedLoss: 0n,
  matcherFee: 0n,
  auditLine: 0n,
  constraints: { weights: PRICE_ONLY },
  ...change,
});

const offerOf = (provider: number, change: Partial<BookOffer> = {}): BookOffer => ({
  ...randomOffer(random, provider, 1),
  provider: addressOf(provider),
  unitPrice: BigInt(provider + 1) * 10n ** 15n,
  maxCollateral: 10n ** 9n,
  maxStatedLoss: 10n ** 9n,
  unitsPerSecond: 10n ** 6n,
  capacity: 1,
  expiry: NOW + 1_000,
  description: {
    hardware: { class: "cpu", cpuCores: 4, ramGiB: 16, diskGiB: 100 },
    region: provider % 2 === 0 ? "eu" : "us",
    executors: ["tensor"],
    confidential: false,
  },
  ...change,
});

const bookOf = (offers: readonly BookOffer[]): Book => {
  const book = new Book();
  for (const offer of offers) {
    book.setProvider(offer.provider, {
      available: 10n ** 9n,
      reputation: 5_000,
      online: true,
      busy: 0,
    });
    book.add(offer);
  }
  return book;
};

const request = (place: number, change: Partial<OpenRequest> = {}): OpenRequest => ({
  digest: `0x${place.toString(16).padStart(64, "0")}`,
  ask: ask(),
  places: 1,
  exclude: new Set(),
  explain: true,
  ...change,
});

const winners = (decisions: ReturnType<typeof decide>): (string | undefined)[] =>
  decisions.map(({ pairings }) => pairings[0]?.match.offer.provider);

describe("decide", () => {
  test("default: requests of one round share the book, first come first served", () => {
    const book = bookOf([offerOf(0), offerOf(1)]);
    const decisions = decide(book, [request(1), request(2), request(3)], NOW_HERE);
    assert.deepEqual(winners(decisions), [addressOf(0), addressOf(1), undefined]);
    assert.match(decisions[0]?.explanation ?? "", /best by price/);
    assert.match(decisions[2]?.explanation ?? "", /busy/);
  });

  test("behavior: the book is the same afterwards, so the same question has the same answer", () => {
    const book = bookOf([offerOf(0), offerOf(1)]);
    const ask1 = [request(1), request(2)];
    assert.deepEqual(decide(book, ask1, NOW_HERE), decide(book, ask1, NOW_HERE));
    assert.equal(book.stateOf(addressOf(0)).busy, 0);
  });

  test("behavior: replicas go to different providers, and none to one that was tried", () => {
    const book = bookOf([0, 1, 2, 3].map((place) => offerOf(place, { capacity: 9 })));
    const exclude = new Set([addressOf(0)]);
    const [decision] = decide(book, [request(1, { places: 2, exclude })], NOW_HERE);
    assert.deepEqual(
      decision?.pairings.map(({ match }) => match.offer.provider),
      [addressOf(1), addressOf(2)],
    );
  });

  test("behavior: the collateral asked for is the least that the contract takes", () => {
    const book = bookOf([offerOf(0)]);
    const withLoss = ask({ statedLoss: 123_456n });
    const [decision] = decide(book, [request(1, { ask: withLoss })], NOW_HERE);
    const { price } = totalsAt(10n ** 15n, compileQuery(withLoss, { rates: RATES, now: NOW }));
    assert.equal(decision?.pairings[0]?.collateral, price > 123_456n ? price : 123_456n);
  });
});

describe("explanations", () => {
  test("behavior: each constraint says how many it leaves out, and what giving way would cost", () => {
    const book = bookOf([offerOf(0), offerOf(1), offerOf(2)]);
    const strict = ask({ constraints: { weights: PRICE_ONLY, regions: ["us"], minCpuCores: 8 } });
    const [decision] = decide(book, [request(1, { ask: strict })], NOW_HERE);
    const by = new Map(decision?.rejected.map((one) => [one.constraint, one]));
    assert.equal(by.get("minCpuCores")?.offers, 3);
    assert.equal(by.get("regions")?.offers, 2);
    // Only the offer in "us" fails nothing but the cores.
    const query = compileQuery(strict, { rates: RATES, now: NOW });
    assert.deepEqual(by.get("minCpuCores")?.relaxation, {
      change: "ask for 4 cores",
      offers: 1,
      cheapestTotal: totalsAt(2n * 10n ** 15n, query).total,
    });
    assert.equal(by.get("regions")?.relaxation, undefined);
    assert.match(decision?.explanation ?? "", /To match now: ask for 4 cores/);
  });

  test("behavior: a relaxation does what it says", () => {
    const book = bookOf([offerOf(0), offerOf(1)]);
    const { total } = totalsAt(10n ** 15n, compileQuery(ask(), { rates: RATES, now: NOW }));
    const poor = ask({ maximum: total - 1n });
    const [decision] = decide(book, [request(1, { ask: poor })], NOW_HERE);
    const relaxation = decision?.rejected.find(
      ({ constraint }) => constraint === "maximum",
    )?.relaxation;
    assert.equal(relaxation?.cheapestTotal, total);
    const again = ask({ maximum: relaxation?.cheapestTotal });
    const [matched] = decide(book, [request(2, { ask: again })], NOW_HERE);
    assert.equal(matched?.pairings.length, 1);
  });

  test("behavior: without offers it says so", () => {
    const [decision] = decide(new Book(), [request(1)], NOW_HERE);
    assert.match(decision?.explanation ?? "", /No offers stand/);
  });
});

describe("quote", () => {
  test("default: every offer that fits, best first, with its total; no maximum is needed", () => {
    const book = bookOf([offerOf(1), offerOf(0), offerOf(2)]);
    const { work, ...rest } = ask();
    const { maximum: _, ...open } = rest;
    const { options, units, offers } = quote(book, { ...work, ...open }, NOW_HERE);
    assert.equal(offers, 3);
    assert.deepEqual(
      options.map(({ provider }) => provider),
      [0, 1, 2].map(addressOf),
    );
    const query = compileQuery(ask(), { rates: RATES, now: NOW });
    for (const option of options) {
      const totals = totalsAt(option.unitPrice, query);
      assert.equal(option.total, totals.total);
      assert.equal(option.collateral, totals.collateral);
      assert.equal(option.seconds, Number(units) / 1e6);
    }
    assert.ok(
      options.every(({ score }, place) => place === 0 || score >= (options[place - 1]?.score ?? 0)),
    );
  });
});
