/** Keeps what was computed last, up to a number of bytes. */
export interface Weighed<T> {
  readonly value: T;
  readonly bytes: number;
}

export class BoundedCache {
  readonly #limit: number;
  /** Oldest use first. */
  readonly #entries = new Map<string, Weighed<unknown>>();
  #bytes = 0;

  /** The newest entry stays even when it alone exceeds `limit` bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes of all entries. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The entry of this key, made when it is not there; a key has one type of value for good. */
  async get<T>(key: string, make: () => Promise<Weighed<T>>): Promise<T> {
    const known = this.#entries.get(key) as Weighed<T> | undefined;
    const entry = known ?? (await make());
    if (known === undefined) this.#bytes += entry.bytes;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#limit || oldest === key) break;
      this.#entries.delete(oldest);
      this.#bytes -= bytes;
    }
    return entry.value;
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
