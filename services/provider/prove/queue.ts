/** Work by deadline: the most urgent first, one at a time of each kind, a few at a time in all. */
export interface UrgentQueue {
  /** Runs `work` once a place is free and nothing of the same kind runs; of those that wait, the earliest deadline first. */
  run<T>(kind: string, deadline: number, work: () => Promise<T>): Promise<T>;
}

interface Waiting {
  readonly kind: string;
  readonly deadline: number;
  readonly begin: () => Promise<void>;
}

export const createUrgentQueue = (places: number): UrgentQueue => {
  const waiting: Waiting[] = [];
  const busy = new Set<string>();
  const pump = (): void => {
    while (busy.size < places) {
      const place = waiting.findIndex(({ kind }) => !busy.has(kind));
      const [next] = place < 0 ? [] : waiting.splice(place, 1);
      if (next === undefined) return;
      busy.add(next.kind);
      void next.begin().finally(() => {
        busy.delete(next.kind);
        pump();
      });
    }
  };
  return {
    run: <T>(kind: string, deadline: number, work: () => Promise<T>): Promise<T> => {
      const result = Promise.withResolvers<T>();
      waiting.push({
        kind,
        deadline,
        begin: () => work().then(result.resolve, result.reject),
      });
      waiting.sort((a, b) => a.deadline - b.deadline);
      pump();
      return result.promise;
    },
  };
};
