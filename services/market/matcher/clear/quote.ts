/** A quote: what every provider that fits would ask for a job, and why the others do not fit. Commits nothing. */
import type { Quote, QuoteAsk, QuoteOption } from "@assay/protocol/wire/api";
import type { Book, Match } from "../book/book.ts";
import { compileQuery, totalsAt, type Ask, type Query } from "../book/query.ts";
import type { Circumstances } from "./decide.ts";
import { explainRejections } from "./explain.ts";

const askOf = (ask: QuoteAsk): Ask => ({
  work: ask,
  runTime: ask.runTime,
  maximum: ask.maximum,
  minCollateral: ask.minCollateral ?? 0n,
  statedLoss: ask.statedLoss ?? 0n,
  matcherFee: ask.matcherFee ?? 0n,
  auditLine: ask.auditLine ?? 0n,
  constraints: ask.constraints,
});

/** Options best first. */
export const quote = (book: Book, wire: QuoteAsk, { rates, now, token }: Circumstances): Quote => {
  const ask = askOf(wire);
  let query = compileQuery(ask, { rates, now });
  let survey = book.survey(query);
  if (ask.maximum === undefined && survey.matches.length > 0) {
    // Without a maximum the cheapest total that fits is the measure of the others.
    const totals = survey.matches.map(({ offer }) => totalsAt(offer.unitPrice, query).total);
    const priceScale = Number(totals.reduce((a, b) => (a < b ? a : b)));
    query = compileQuery(ask, { rates, now, priceScale });
    survey = book.survey(query);
  }
  return {
    units: query.units,
    offers: survey.offers,
    options: survey.matches.map((match) => optionOf(match, query)),
    rejected: explainRejections(survey, { ...query, token }),
  };
};

const optionOf = ({ offer, state, score }: Match, query: Query): QuoteOption => {
  const { price, protocolFee, total, collateral } = totalsAt(offer.unitPrice, query);
  const { name, region } = offer.description;
  return {
    offerDigest: offer.digest,
    provider: offer.provider,
    ...(name === undefined ? {} : { name }),
    region,
    unitPrice: offer.unitPrice,
    price,
    protocolFee,
    matcherFee: query.matcherFee,
    auditLine: query.auditLine,
    total,
    collateral,
    seconds: Number(query.units) / Number(offer.unitsPerSecond),
    reputation: state.reputation,
    score,
  };
};
