/** The protocol buffers' wire format, as much of it as an ONNX file takes. */

/** A message as pieces of bytes. Field numbers are those of the schema. */
export class Message {
  readonly #pieces: Uint8Array[] = [];

  /** An integer of at most 53 bits. */
  integer(field: number, value: number): this {
    this.#pieces.push(varint(field * 8), varint(value));
    return this;
  }

  float(field: number, value: number): this {
    this.#pieces.push(varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#pieces.push(varint(field * 8 + 2), varint(value.length), value);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  finish(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }
}

/** Seven bits a byte, the lowest first; a negative number as its 64-bit two's complement. */
const varint = (value: number): Uint8Array => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest % 128n) + 128);
  return Uint8Array.from([...bytes, Number(rest)]);
};
