/** Up to this many characters, a loop is cheaper than the engine's encoder. */
const SHORT = 24;
/** Maximum size of a tag and a length: one byte and a varint of 32 bits. */
const MAX_HEADER = 6;
const MAX_VARINT = 10;

/** Writes protobuf fields into a growing buffer (protobuf encoding, "Message Structure"). */
export class ProtobufWriter {
  #bytes: Buffer;
  #at = 0;

  /** @param capacity estimated size; an underestimate costs a copy */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  /** A view of the written bytes; do not use the writer afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** A tag below 128 and the length of what follows. */
  header(tag: number, length: number): void {
    this.#reserve(MAX_HEADER);
    this.#bytes[this.#at++] = tag;
    this.#varint(length);
  }

  /** @param length `utf8Length(value)` */
  text(tag: number, value: string, length: number): void {
    this.header(tag, length);
    this.#reserve(length);
    const bytes = this.#bytes;
    if (length === value.length && length <= SHORT) {
      for (let index = 0; index < length; index += 1) bytes[this.#at + index] = value.charCodeAt(index);
    } else {
      bytes.write(value, this.#at, length, length === value.length ? "latin1" : "utf8");
    }
    this.#at += length;
  }

  bytes(tag: number, value: Uint8Array): void {
    this.header(tag, value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** A field of type bool, int32 or int64. */
  integer(tag: number, value: number): void {
    this.#reserve(1 + MAX_VARINT);
    this.#bytes[this.#at++] = tag;
    this.#varint(value);
  }

  /** A nested message whose length is known only afterwards. */
  message(tag: number, write: () => void): void {
    this.#reserve(MAX_HEADER);
    this.#bytes[this.#at++] = tag;
    const start = this.#at;
    // Most lengths take two bytes; for any other size the written bytes are moved.
    this.#at += 2;
    write();
    const length = this.#at - start - 2;
    const end = start + varintLength(length) + length;
    if (end !== this.#at) {
      this.#reserve(MAX_HEADER);
      this.#bytes.copyWithin(end - length, start + 2, this.#at);
    }
    this.#at = start;
    this.#varint(length);
    this.#at = end;
  }

  /** Negative numbers are written as 64 bits, whatever their type. */
  #varint(value: number): void {
    if (value < 0) return this.#negative(value);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) this.#bytes[this.#at++] = Number(rest & 127n) | 128;
    this.#bytes[this.#at++] = Number(rest);
  }

  #reserve(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** UTF-8 bytes of `text`. A lone surrogate counts as U+FFFD, which is written for it. */
export function utf8Length(text: string): number {
  if (text.length > SHORT) return Buffer.byteLength(text);
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > 127) return Buffer.byteLength(text);
  }
  return text.length;
}

/** Bytes of an integer as a varint. */
export function varintLength(value: number): number {
  if (value < 0) return MAX_VARINT;
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length += 1;
  return length;
}
