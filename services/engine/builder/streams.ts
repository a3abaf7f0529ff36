/** Numbers of random streams. */
import { graphError } from "./graph.ts";

/** FNV-1a (Fowler, Noll, Vo), 32 bits, over UTF-8. */
const hashOf = (name: string): number => {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash | 0;
};

/** Stream numbers of one program; no two names share one. */
export class Streams {
  readonly #taken = new Map<number, string>();

  /** The stream of this name, which must be new. */
  named(name: string): number {
    if ([...this.#taken.values()].includes(name))
      throw graphError(`two random streams are named "${name}"`);
    let number = hashOf(name);
    for (let salt = 1; this.#taken.has(number); salt++) number = hashOf(`${name}#${salt}`);
    this.#taken.set(number, name);
    return number;
  }
}
