import { Bytes } from "./bytes.ts";
import type { FunctionBuilder, FunctionType } from "./function.ts";
import { VALUE } from "./opcodes.ts";

interface Entry {
  readonly type: number;
  readonly body: Uint8Array;
  readonly name: string;
}

/** A module with functions, one memory and mutable i32 globals; everything is exported, nothing imported but a shared memory. */
export class ModuleBuilder {
  private readonly types = new Map<
    string,
    { readonly index: number; readonly type: FunctionType }
  >();
  private readonly functions: Entry[] = [];
  private readonly byContent = new Map<string, number>();
  private readonly helpers = new Map<string, number>();
  private readonly globals: string[] = [];
  /** Whether the memory is given by the host and shared between threads. */
  private readonly shared: boolean;
  private readonly exports: { readonly name: string; readonly index: number }[] = [];

  constructor(shared = false) {
    this.shared = shared;
  }

  /** Adds a function, or finds the one with the very same code. Returns its index. */
  add(builder: FunctionBuilder): number {
    const body = builder.body();
    const type = this.typeIndex(builder.type);
    const key = `${type}:${Buffer.from(body).toString("latin1")}`;
    const known = this.byContent.get(key);
    if (known !== undefined) return known;
    const index = this.functions.push({ type, body, name: builder.name }) - 1;
    this.byContent.set(key, index);
    return index;
  }

  /** A shared helper, made at its first use. */
  helper(name: string, make: () => FunctionBuilder): number {
    const known = this.helpers.get(name);
    if (known !== undefined) return known;
    const index = this.add(make());
    this.helpers.set(name, index);
    return index;
  }

  /** Index of the mutable i32 global of this name. */
  global(name: string): number {
    const known = this.globals.indexOf(name);
    return known >= 0 ? known : this.globals.push(name) - 1;
  }

  export(name: string, index: number): void {
    this.exports.push({ name, index });
  }

  /** The binary module; `pages` is the size of its memory in units of 64 KiB. */
  finish(pages: number): Uint8Array<ArrayBuffer> {
    const out = new Bytes();
    out.word(0x6d736100).word(1);
    section(out, 1, this.types.size, [...this.types.values()], (bytes, { type }) => {
      bytes.byte(0x60).unsigned(type.params.length);
      for (const param of type.params) bytes.byte(param);
      bytes.unsigned(type.results.length);
      for (const result of type.results) bytes.byte(result);
    });
    if (this.shared)
      section(out, 2, 1, [pages], (bytes, count) =>
        bytes.text("host").text("memory").byte(2).byte(3).unsigned(count).unsigned(count),
      );
    section(out, 3, this.functions.length, this.functions, (bytes, entry) =>
      bytes.unsigned(entry.type),
    );
    if (!this.shared)
      section(out, 5, 1, [pages], (bytes, count) => bytes.byte(1).unsigned(count).unsigned(count));
    section(out, 6, this.globals.length, this.globals, (bytes) =>
      bytes.byte(VALUE.i32).byte(1).byte(0x41).signed(0).byte(0x0b),
    );
    const exported = [
      { name: "memory", kind: 2, index: 0 },
      ...this.exports.map((e) => ({ ...e, kind: 0 })),
      ...this.globals.map((name, index) => ({ name, kind: 3, index })),
    ];
    section(out, 7, exported.length, exported, (bytes, e) =>
      bytes.text(e.name).byte(e.kind).unsigned(e.index),
    );
    section(out, 10, this.functions.length, this.functions, (bytes, entry) =>
      bytes.vector(entry.body),
    );
    this.names(out);
    return out.finish();
  }

  /** The custom section that gives profilers the functions' names. */
  private names(out: Bytes): void {
    const map = new Bytes().unsigned(this.functions.length);
    this.functions.forEach((entry, index) => map.unsigned(index).text(entry.name));
    const content = new Bytes().text("name").byte(1).vector(map.finish());
    out.byte(0).vector(content.finish());
  }

  private typeIndex(type: FunctionType): number {
    const key = `${type.params.join(",")}>${type.results.join(",")}`;
    const known = this.types.get(key);
    if (known !== undefined) return known.index;
    const index = this.types.size;
    this.types.set(key, { index, type });
    return index;
  }
}

const section = <T>(
  out: Bytes,
  id: number,
  count: number,
  items: readonly T[],
  write: (bytes: Bytes, item: T) => void,
): void => {
  const bytes = new Bytes().unsigned(count);
  for (const item of items) write(bytes, item);
  out.byte(id).vector(bytes.finish());
};
