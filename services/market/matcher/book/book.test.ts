import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Address, Hex } from "viem";
import fc from "fast-check";
import {
  RATES,
  NOW,
  addressOf,
  randomAsk,
  randomOffer,
  randomQuery,
  randomState,
  seeded,
} from "../../testing/markets.ts";
import { Book } from "./book.ts";
import type { BookOffer, ProviderState } from "./offer.ts";
import { filterAndSort, type Candidate } from "./oracle.ts";
import { compileQuery, totalsAt } from "./query.ts";

/** A book and, beside it, the same offers as plain objects. */
class Twin {
  readonly book = new Book();
  readonly offers = new Map<Hex, BookOffer>();
  readonly states = new Map<Address, ProviderState>();

  add(offer: BookOffer): void {
    this.book.add(offer);
    this.offers.set(offer.digest, offer);
  }
  remove(digest: Hex): void {
    this.book.remove(digest);
    this.offers.delete(digest);
  }
  setProvider(provider: Address, state: ProviderState): void {
    this.book.setProvider(provider, state);
    this.states.set(provider, state);
  }
  candidates(): Candidate[] {
    return [...this.offers.values()].map((offer) => ({
      offer,
      state: this.states.get(offer.provider) ?? this.book.stateOf(offer.provider),
    }));
  }
}

const PROVIDERS = 40;

const randomMarket = (seed: number, offers: number): { twin: Twin; random: () => number } => {
  const random = seeded(seed);
  const twin = new Twin();
  for (let place = 0; place < PROVIDERS; place++)
    if (random() < 0.9) twin.setProvider(addressOf(place), randomState(random));
  for (let place = 0; place < offers; place++) twin.add(randomOffer(random, place, PROVIDERS));
  return { twin, random };
};

describe("Book", () => {
  test("behavior: the best match and the survey are those of filter and sort, through any changes", () => {
    let matched = 0;
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 300 }), (seed, size) => {
        const { twin, random } = randomMarket(seed, size);
        for (let round = 0; round < 12; round++) {
          const query = randomQuery(random, PROVIDERS);
          const expected = filterAndSort(twin.candidates(), query);
          if (expected.length > 0) matched++;
          assert.equal(twin.book.best(query)?.offer.digest, expected[0]?.offer.digest);
          const survey = twin.book.survey(query);
          assert.deepEqual(
            survey.matches.map(({ offer }) => offer.digest),
            expected.map(({ offer }) => offer.digest),
          );
          assert.equal(survey.matches.length + survey.failures.length, twin.offers.size);
          for (let change = 0; change < 10; change++) {
            const kind = random();
            const place = Math.floor(random() * (size + 20));
            const offer = randomOffer(random, place, PROVIDERS);
            if (kind < 0.4) twin.add(offer);
            else if (kind < 0.6) twin.remove(offer.digest);
            else twin.setProvider(addressOf(place % PROVIDERS), randomState(random));
          }
        }
      }),
      { numRuns: 60, seed: 1 },
    );
    assert.ok(matched > 100, `only ${matched} of the random requests matched anything`);
  });

  test("behavior: a total of exactly the maximum fits, and one base unit above does not", () => {
    const { twin, random } = randomMarket(7, 50);
    const ask = { ...randomAsk(random, PROVIDERS), matcherFee: 0n };
    const free = compileQuery({ ...ask, maximum: undefined }, { rates: RATES, now: NOW });
    const offer = [...twin.offers.values()][0] as BookOffer;
    const { total } = totalsAt(offer.unitPrice, free);
    const exact = compileQuery({ ...ask, maximum: total }, { rates: RATES, now: NOW });
    const below = compileQuery({ ...ask, maximum: total - 1n }, { rates: RATES, now: NOW });
    assert.ok((exact.highestUnitPrice ?? 0n) >= offer.unitPrice);
    assert.ok((below.highestUnitPrice ?? 0n) < offer.unitPrice);
  });

  test("behavior: amounts that no double tells apart are told apart", () => {
    const big = 2n ** 70n;
    const book = new Book();
    const { twin, random } = randomMarket(3, 1);
    const [template] = twin.offers.values();
    assert.ok(template);
    const ask = {
      ...randomAsk(random, PROVIDERS),
      work: {
        initUnits: 10n ** 18n,
        stepUnits: 0n,
        evalUnits: 0n,
        steps: 1,
        startStep: 0,
        interval: 1,
      },
      runTime: 2 ** 31,
      minCollateral: 0n,
      statedLoss: 0n,
      matcherFee: 0n,
      auditLine: 0n,
      constraints: { weights: { price: 1, time: 0, reputation: 0, carbon: 0 } },
    };
    const rates = { protocolFeeBps: 0, matcherFeeCapBps: 0, collateralBps: 0 };
    book.setProvider(template.provider, { available: big, reputation: 0, online: true, busy: 0 });
    book.add({
      ...template,
      unitPrice: big,
      expiry: NOW + 1,
      unitsPerSecond: 10n ** 15n,
      description: { ...template.description, executors: ["tensor"] },
    });
    assert.ok(book.best(compileQuery({ ...ask, maximum: big }, { rates, now: NOW })));
    assert.equal(
      book.best(compileQuery({ ...ask, maximum: big - 1n }, { rates, now: NOW })),
      undefined,
    );
  });

  test("behavior: a provider that becomes busy, leaves or loses stake is passed over at once", () => {
    const { twin, random } = randomMarket(11, 200);
    const query = compileQuery(
      {
        ...randomAsk(random, PROVIDERS),
        runTime: 3_600,
        maximum: 10n ** 9n,
        minCollateral: 0n,
        statedLoss: 0n,
        matcherFee: 0n,
        constraints: { weights: { price: 1, time: 0, reputation: 0, carbon: 0 } },
      },
      { rates: RATES, now: NOW },
    );
    const first = twin.book.best(query);
    assert.ok(first);
    const { provider } = first.offer;
    for (const change of [{ busy: 99 }, { online: false }, { available: -1n }]) {
      twin.book.setProvider(provider, change);
      assert.notEqual(twin.book.best(query)?.offer.provider, provider);
      twin.book.setProvider(provider, first.state);
      assert.equal(twin.book.best(query)?.offer.digest, first.offer.digest);
    }
  });
});
