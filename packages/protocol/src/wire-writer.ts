import { WIRE_TYPE } from "./wire-reader.js";

/** Bytes a varint takes. */
export function varintSize(value: number): number {
  if (value < 0) return 10;
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

/** Bytes of a field that has a length: its tag (field numbers here are below 16), the length, and that many bytes. */
export function lengthPrefixedSize(length: number): number {
  return 1 + varintSize(length) + length;
}

/** Writes protobuf fields into a buffer whose size is known beforehand, so that a frame is allocated once. */
export class WireWriter {
  readonly bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  /** Tag and length of a string, of bytes or of a message; its content is to follow. */
  prefix(field: number, length: number): void {
    this.#varint(field * 8 + WIRE_TYPE.bytes);
    this.#varint(length);
  }

  /** @param length of the text in UTF-8 */
  string(field: number, text: string, length: number): void {
    this.prefix(field, length);
    // As many bytes as characters means ASCII, which is copied without encoding.
    this.bytes.write(text, this.#at, length, length === text.length ? "latin1" : "utf8");
    this.#at += length;
  }

  raw(field: number, bytes: Uint8Array): void {
    this.prefix(field, bytes.length);
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** An integer up to 2^53 in size, or a boolean as 0 or 1. */
  integer(field: number, value: number): void {
    this.#varint(field * 8 + WIRE_TYPE.varint);
    if (value >= 0) this.#varint(value);
    else this.#negative(value);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#byte(rest);
  }

  /** In two's complement of 64 bits, which takes ten bytes. */
  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.#byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#byte(Number(rest));
  }

  #byte(value: number): void {
    this.bytes[this.#at] = value;
    this.#at += 1;
  }
}
