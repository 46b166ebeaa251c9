/** How a field is written (protobuf encoding, Message structure). Groups are not read. */
export const WIRE_TYPE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** The bytes end or contradict themselves. Caught by the codec, which says which event. */
export class MalformedWire extends Error {
  override readonly name = "MalformedWire";
}

const REPLACEMENT_CHARACTER = "\ufffd";
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads protobuf fields from a part of a frame. Every length is checked against what is left before anything is taken. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  /** True at the end of the message that was entered last. */
  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Field number and wire type as one number: `number * 8 + wireType`. */
  tag(): number {
    const tag = this.#varint();
    if (tag < 8 || tag > 0xffff_ffff) throw new MalformedWire("a field number is out of range");
    return tag;
  }

  bool(): boolean {
    return this.#varint() !== 0;
  }

  int32(): number {
    return Number(BigInt.asIntN(32, BigInt(this.#varint())));
  }

  /** A 64-bit integer as a number; exact up to 2^53. */
  int64(): number {
    return this.#varint();
  }

  string(): string {
    const start = this.#lengthPrefixed();
    const text = this.#bytes.toString("utf8", start, this.#at);
    // Lenient decoding puts this character for what is not UTF-8, so only a text that has it needs the strict and slow look.
    if (text.includes(REPLACEMENT_CHARACTER)) assertUtf8(this.#bytes.subarray(start, this.#at));
    return text;
  }

  /** A copy: a slice would keep the whole frame alive. */
  bytes(): Uint8Array {
    const start = this.#lengthPrefixed();
    return new Uint8Array(this.#bytes.subarray(start, this.#at));
  }

  /** Goes into an embedded message; hand what it answers to `leave` once `done`. */
  enter(): number {
    const outerEnd = this.#end;
    const start = this.#lengthPrefixed();
    this.#end = this.#at;
    this.#at = start;
    return outerEnd;
  }

  leave(outerEnd: number): void {
    this.#end = outerEnd;
  }

  skip(tag: number): void {
    switch (tag & 7) {
      case WIRE_TYPE.varint:
        this.#varint();
        return;
      case WIRE_TYPE.fixed64:
        this.#take(8);
        return;
      case WIRE_TYPE.bytes:
        this.#lengthPrefixed();
        return;
      case WIRE_TYPE.fixed32:
        this.#take(4);
        return;
      default:
        throw new MalformedWire(`wire type ${tag & 7} is not supported`);
    }
  }

  /** Moves past a length and what it counts; answers where that begins. */
  #lengthPrefixed(): number {
    return this.#take(this.#varint());
  }

  #take(length: number): number {
    const start = this.#at;
    if (length < 0 || length > this.#end - start)
      throw new MalformedWire("a field is longer than what is left");
    this.#at = start + length;
    return start;
  }

  /** Signed, as int32 and int64 are read; a number above 2^53 loses low bits, and no field here may be that large. */
  #varint(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let scale = 0x80;
    for (let count = 2; count <= 9; count += 1) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    return this.#negative();
  }

  /** Ten bytes are a number with bit 63 set, which is negative: read again, exactly. */
  #negative(): number {
    if (this.#byte() !== 1) throw new MalformedWire("a number has more than 64 bits");
    let value = 0n;
    for (let index = 0; index < 10; index += 1) {
      value |= BigInt(this.#bytes.readUInt8(this.#at - 10 + index) & 0x7f) << BigInt(7 * index);
    }
    return Number(BigInt.asIntN(64, value));
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new MalformedWire("the bytes end within a field");
    const byte = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }
}

function assertUtf8(bytes: Uint8Array): void {
  try {
    strictUtf8.decode(bytes);
  } catch (cause) {
    throw new MalformedWire("a string is not UTF-8", { cause });
  }
}
