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
const say = (line: string): void => {
  if (!values.json) console.log(line);
};

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
say(`${OFFERS} offers of ${PROVIDERS} providers`);

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
say(
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
say(
  `filter and sort over objects: ${naive.toFixed(0)} requests/s; ${wrong} of ${COMPARED} answers differ`,
);

const results = {
  "matching.requests": {
    value: Math.round(live.perSecond),
    unit: "requests/s",
    baseline: Math.round(naive),
    ratio: Number((live.perSecond / naive).toFixed(1)),
    goal: 10_000,
    ok: live.perSecond >= 10_000 && live.perSecond >= 20 * naive,
  },
  "matching.p99": {
    value: Number(live.p99.toFixed(3)),
    unit: "ms",
    baseline: null,
    ratio: null,
    goal: 1,
    ok: live.p99 < 1,
  },
  "matching.noMatchP99": {
    value: Number(live.unmatchedP99.toFixed(3)),
    unit: "ms",
    baseline: null,
    ratio: null,
    goal: 2,
    ok: live.unmatchedP99 < 2,
  },
  "matching.wrong": {
    value: wrong,
    unit: "answers",
    baseline: COMPARED,
    ratio: null,
    goal: 0,
    ok: wrong === 0,
  },
};
if (values.json) console.log(JSON.stringify(results));
else
  for (const [name, { ok, goal, unit }] of Object.entries(results))
    console.log(`${ok ? "✓" : "✗"} ${name} (goal ${goal} ${unit})`);
process.exitCode = wrong === 0 ? 0 : 1;
