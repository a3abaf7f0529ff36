/**
 * `npm run bench:matching [-- --json] [--offers N] [--requests N]`: exact best match over a live book, with one update of
 * the book per request, against filter and sort over objects. Every answer is held against the other's.
 */
import { parseArgs } from "node:util";
import { Book } from "@assay/market/matcher/book/book";
import { filterAndSort, type Candidate } from "@assay/market/matcher/book/oracle";
import type { Query } from "@assay/market/matcher/book/query";
import {
  addressOf,
  randomOffer,
  randomQuery,
  randomState,
  seeded,
} from "@assay/market/testing/markets";
import { createFigures } from "./figures.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    offers: { type: "string", default: "100000" },
    requests: { type: "string", default: "20000" },
    compared: { type: "string", default: "150" },
  },
});
const OFFERS = Number(values.offers);
const REQUESTS = Number(values.requests);
const COMPARED = Number(values.compared);
const PROVIDERS = Math.max(1, Math.floor(OFFERS / 4));
/** Prices hardly ever tie, as in a real market. */
const PRICES = 1e9;

const random = seeded(1);
const book = new Book();
const states = new Map(
  Array.from({ length: PROVIDERS }, (_, place) => [addressOf(place), randomState(random)] as const),
);
for (const [provider, state] of states) book.setProvider(provider, state);
const offers = Array.from({ length: OFFERS }, (_, place) =>
  randomOffer(random, place, PROVIDERS, PRICES),
);
for (const offer of offers) book.add(offer);
console.log(`${OFFERS} offers of ${PROVIDERS} providers`);

const queries = Array.from({ length: REQUESTS }, () => randomQuery(random, PROVIDERS));
const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

// One update of a random offer per request, drawn beforehand so that only the book is timed.
const updates = Array.from({ length: REQUESTS }, () => {
  const place = Math.floor(random() * OFFERS);
  return { place, offer: randomOffer(random, place, PROVIDERS, PRICES) };
});

interface Measured {
  readonly perSecond: number;
  /** Milliseconds: of all requests, and of those that nothing fits. */
  readonly p99: number;
  readonly unmatchedP99: number;
  readonly matched: number;
}

const measure = (list: readonly Query[]): Measured => {
  const times = new Float64Array(list.length);
  const unmatched: number[] = [];
  const begun = performance.now();
  for (const [place, query] of list.entries()) {
    const from = performance.now();
    const update = updates[place];
    if (update) book.add(update.offer);
    const match = book.best(query);
    times[place] = performance.now() - from;
    if (match === undefined) unmatched.push(times[place]);
  }
  const elapsed = performance.now() - begun;
  return {
    perSecond: (list.length / elapsed) * 1_000,
    p99: percentile(times.sort(), 0.99),
    unmatchedP99: percentile(Float64Array.from(unmatched).sort(), 0.99),
    matched: list.length - unmatched.length,
  };
};

measure(queries.slice(0, 2_000));
for (const { place, offer } of updates.slice(0, 2_000)) offers[place] = offer;
const live = measure(queries);
for (const { place, offer } of updates) offers[place] = offer;
console.log(
  `book: ${live.perSecond.toFixed(0)} requests/s with as many updates, p99 ${live.p99.toFixed(3)} ms, ${live.matched} matched`,
);

const candidates: Candidate[] = offers.map((offer) => ({
  offer,
  state: states.get(offer.provider) ?? book.stateOf(offer.provider),
}));
let wrong = 0;
const compared = queries.slice(0, COMPARED);
const begun = performance.now();
const expected = compared.map((query) => filterAndSort(candidates, query)[0]?.offer.digest);
const naive = (compared.length / (performance.now() - begun)) * 1_000;
for (const [place, query] of compared.entries())
  if (book.best(query)?.offer.digest !== expected[place]) wrong++;
console.log(
  `filter and sort over objects: ${naive.toFixed(0)} requests/s; ${wrong} of ${COMPARED} answers differ`,
);

const { note, finish } = createFigures();
note("requests", live.perSecond, "1/s", { goal: { least: 10_000 } });
note("requests, filter and sort", live.perSecond, "1/s", { baseline: naive, goal: { least: 20 } });
note("p99", live.p99, "ms", { goal: { most: 1 } });
note("p99 of those that nothing fits", live.unmatchedP99, "ms", { goal: { most: 2 } });
note(`other answers among ${COMPARED}`, wrong, "answers", { goal: { most: 0 } });
finish();
