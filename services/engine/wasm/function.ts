import { Bytes } from "./bytes.ts";
import { I, VALUE, type Instruction, type ValueType } from "./opcodes.ts";

export interface FunctionType {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** Instruction writer of one function: locals, structured control, and the stack instructions as they come. */
export class FunctionBuilder {
  readonly name: string;
  readonly type: FunctionType;
  private readonly code = new Bytes();
  private readonly locals: ValueType[] = [];

  constructor(name: string, params: readonly ValueType[], results: readonly ValueType[] = []) {
    this.name = name;
    this.type = { params, results };
  }

  /** A new local (or parameter, for indices below the parameter count). */
  local(type: ValueType): number {
    this.locals.push(type);
    return this.type.params.length + this.locals.length - 1;
  }

  op(instruction: Instruction): this {
    if (instruction > 0xff) this.code.byte(instruction >>> 8).unsigned(instruction & 0xff);
    else this.code.byte(instruction);
    if (instruction === I.memoryCopy) this.code.byte(0).byte(0);
    return this;
  }

  get(local: number): this {
    this.code.byte(0x20).unsigned(local);
    return this;
  }

  set(local: number): this {
    this.code.byte(0x21).unsigned(local);
    return this;
  }

  tee(local: number): this {
    this.code.byte(0x22).unsigned(local);
    return this;
  }

  globalGet(index: number): this {
    this.code.byte(0x23).unsigned(index);
    return this;
  }

  i32(value: number): this {
    this.code.byte(0x41).signed(value);
    return this;
  }

  /** An i64 constant that fits an i32. */
  i64(value: number): this {
    this.code.byte(0x42).signed(value);
    return this;
  }

  f32Bits(bits: number): this {
    this.code.byte(0x43).word(bits);
    return this;
  }

  v128(words: readonly [number, number, number, number]): this {
    this.op(I.v128Const);
    for (const word of words) this.code.word(word);
    return this;
  }

  /** Load or store with a constant byte offset below 2³². All accesses are aligned to 4 bytes only. */
  memory(instruction: Instruction, offset = 0): this {
    this.op(instruction);
    this.code.unsigned(2).unsigned(offset);
    return this;
  }

  /** Load or store of one lane. */
  memoryLane(instruction: Instruction, lane: number, offset = 0): this {
    this.memory(instruction, offset);
    this.code.byte(lane);
    return this;
  }

  lane(instruction: Instruction, lane: number): this {
    this.op(instruction);
    this.code.byte(lane);
    return this;
  }

  /** Shuffle of 32-bit lanes: 0–3 from the first operand, 4–7 from the second. */
  shuffle(lanes: readonly [number, number, number, number]): this {
    this.op(I.i8x16Shuffle);
    for (const lane of lanes) for (let i = 0; i < 4; i++) this.code.byte(lane * 4 + i);
    return this;
  }

  call(index: number): this {
    this.code.byte(0x10).unsigned(index);
    return this;
  }

  /** `if` without a result; the condition is on the stack. */
  if(then: () => void, otherwise?: () => void): this {
    this.code.byte(0x04).byte(0x40);
    then();
    if (otherwise !== undefined) {
      this.code.byte(0x05);
      otherwise();
    }
    this.code.byte(0x0b);
    return this;
  }

  /** Runs `body`, which leaves an i32 on the stack, again while that i32 is not zero. */
  doWhile(body: () => void): this {
    this.code.byte(0x03).byte(0x40);
    body();
    this.code.byte(0x0d).unsigned(0);
    this.code.byte(0x0b);
    return this;
  }

  /** Runs `body` a constant number of times, at least one; the counter is a fresh local that counts down to 1. */
  repeat(count: number, body: () => void): this {
    if (count === 1) {
      body();
      return this;
    }
    const counter = this.local(VALUE.i32);
    this.i32(count).set(counter);
    return this.doWhile(() => {
      body();
      this.get(counter).i32(1).op(I.i32Sub).tee(counter);
    });
  }

  /** `local += amount`. */
  advance(local: number, amount: number): this {
    if (amount === 0) return this;
    return this.get(local).i32(amount).op(I.i32Add).set(local);
  }

  /** The function's entry of the code section, without its length prefix. */
  body(): Uint8Array {
    const out = new Bytes();
    const runs: [ValueType, number][] = [];
    for (const type of this.locals) {
      const last = runs.at(-1);
      if (last !== undefined && last[0] === type) last[1] += 1;
      else runs.push([type, 1]);
    }
    out.unsigned(runs.length);
    for (const [type, count] of runs) out.unsigned(count).byte(type);
    return out.bytes(this.code.finish()).byte(0x0b).finish();
  }
}
