/** The decision, apart from any action: the same book and the same requests give the same pairs, anywhere. */
import type { Token } from "@assay/protocol/domain/amount";
import type { Rejection } from "@assay/protocol/wire/api";
import type { Hex } from "viem";
import type { Book, Match } from "../book/book.ts";
import { compileQuery, totalsAt, type Ask, type Rates } from "../book/query.ts";
import { explainMatch, explainNoMatch, explainRejections } from "./explain.ts";

/** A request that needs `places` more providers. */
export interface OpenRequest {
  readonly digest: Hex;
  readonly ask: Ask;
  readonly places: number;
  /** Providers that refused, were silent, or have a place already. */
  readonly exclude: ReadonlySet<string>;
  /** Whether to say why where nobody fits: that looks at every offer. */
  readonly explain: boolean;
}

export interface Pairing {
  readonly match: Match;
  readonly collateral: bigint;
}

export interface Decision {
  readonly digest: Hex;
  readonly pairings: readonly Pairing[];
  /** One line for people; absent where nobody fits and no explanation was asked for. */
  readonly explanation?: string;
  readonly rejected: readonly Rejection[];
}

/** What a decision is made under. */
export interface Circumstances {
  readonly rates: Rates;
  /** Unix seconds. */
  readonly now: number;
  /** Amounts are told in this token. */
  readonly token: Token;
}

/** Pairs requests, in the order given, with the best offers that are left. The book is the same afterwards. */
export const decide = (
  book: Book,
  requests: readonly OpenRequest[],
  circumstances: Circumstances,
): Decision[] => {
  const taken: Match[] = [];
  const take = (match: Match): void => {
    taken.push(match);
    const { provider } = match.offer;
    book.setProvider(provider, { busy: book.stateOf(provider).busy + 1 });
  };
  try {
    return requests.map((request) => pairOne(book, request, circumstances, take));
  } finally {
    for (const { offer } of taken)
      book.setProvider(offer.provider, { busy: book.stateOf(offer.provider).busy - 1 });
  }
};

const pairOne = (
  book: Book,
  { digest, ask, places, exclude, explain }: OpenRequest,
  { rates, now, token }: Circumstances,
  take: (match: Match) => void,
): Decision => {
  const used = new Set(exclude);
  const pairings: Pairing[] = [];
  let query = compileQuery(ask, { rates, now, exclude: used });
  while (pairings.length < places) {
    const match = book.best(query);
    if (match === undefined) break;
    pairings.push({ match, collateral: totalsAt(match.offer.unitPrice, query).collateral });
    take(match);
    used.add(match.offer.provider);
    query = compileQuery(ask, { rates, now, exclude: used });
  }
  const [first] = pairings;
  if (first !== undefined)
    return {
      digest,
      pairings,
      explanation: explainMatch(first.match, { ...query, token }),
      rejected: [],
    };
  if (!explain) return { digest, pairings, rejected: [] };
  const survey = book.survey(query);
  const rejected = explainRejections(survey, { ...query, token });
  return { digest, pairings, explanation: explainNoMatch(survey, rejected, token), rejected };
};
