/** A bounded number of things at a time; whoever is more urgent goes first. */
export interface Slots {
  /** Runs `action` once there is room; a smaller `urgency` goes before a greater one. Rejects when `signal` is aborted while waiting. */
  use<T>(urgency: number, action: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

interface Waiting {
  readonly urgency: number;
  readonly go: () => void;
}

export const createSlots = (count: number): Slots => {
  let free = count;
  const queue: Waiting[] = [];

  const next = (): void => {
    if (free === 0) return;
    const place = queue.reduce(
      (best, one, i) => (one.urgency < (queue[best]?.urgency ?? Infinity) ? i : best),
      0,
    );
    const [first] = queue.splice(place, 1);
    if (first === undefined) return;
    free--;
    first.go();
  };

  const enter = (urgency: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const one: Waiting = {
        urgency,
        go: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      const leave = (): void => {
        queue.splice(queue.indexOf(one), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", leave, { once: true });
      queue.push(one);
      next();
    });

  return {
    use: async (urgency, action, signal) => {
      await enter(urgency, signal);
      try {
        return await action();
      } finally {
        free++;
        next();
      }
    },
  };
};
