/** A growing byte buffer with the integer encodings of the WebAssembly binary format. */
export class Bytes {
  private buffer = new Uint8Array(256);
  private used = 0;

  get length(): number {
    return this.used;
  }

  byte(value: number): this {
    this.reserve(1);
    this.buffer[this.used++] = value;
    return this;
  }

  bytes(values: Uint8Array): this {
    this.reserve(values.length);
    this.buffer.set(values, this.used);
    this.used += values.length;
    return this;
  }

  /** Unsigned LEB128 of a value below 2³². */
  unsigned(value: number): this {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    return this.byte(rest);
  }

  /** Signed LEB128 of a 32-bit value (taken modulo 2³²). */
  signed(value: number): this {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0))
        return this.byte(low);
      this.byte(low | 0x80);
    }
  }

  /** 32 bits, little endian. */
  word(value: number): this {
    return this.byte(value & 0xff)
      .byte((value >>> 8) & 0xff)
      .byte((value >>> 16) & 0xff)
      .byte(value >>> 24);
  }

  /** Length-prefixed bytes. */
  vector(values: Uint8Array): this {
    return this.unsigned(values.length).bytes(values);
  }

  text(value: string): this {
    return this.vector(new TextEncoder().encode(value));
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(0, this.used);
  }

  private reserve(more: number): void {
    if (this.used + more <= this.buffer.length) return;
    const next = new Uint8Array(Math.max(this.buffer.length * 2, this.used + more));
    next.set(this.buffer.subarray(0, this.used));
    this.buffer = next;
  }
}
