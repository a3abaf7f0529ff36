/** Where in a list threads have to meet: only between pieces of work that touch the same memory. */

/** Bytes `[from, to)` of linear memory. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A kernel, or copies, in its place of a list. */
export interface Work {
  /** Every thread does a part of it; otherwise the first thread does all. */
  readonly divided: boolean;
  readonly reads: readonly Span[];
  readonly writes: readonly Span[];
}

const overlap = (some: readonly Span[], others: readonly Span[]): boolean =>
  some.some(({ from, to }) => others.some((other) => from < other.to && other.from < to));

/** One of them writes what the other one touches. */
const conflict = (a: Work, b: Work): boolean =>
  overlap(a.writes, b.writes) || overlap(a.writes, b.reads) || overlap(a.reads, b.writes);

/**
 * For each piece of work, whether all threads have to be done with those before it. A thread may still be busy with the work
 * since the last meeting while another one is here already; only what the first thread does alone is in order by itself.
 */
export const meetings = (list: readonly Work[]): boolean[] => {
  let since: Work[] = [];
  return list.map((work) => {
    const meet = since.some(
      (earlier) => (earlier.divided || work.divided) && conflict(earlier, work),
    );
    if (meet) since = [];
    since.push(work);
    return meet;
  });
};
