import { isUtf8 } from "node:buffer";
import { HawserError } from "./errors.js";

/** Wire types: the lower three bits of a tag. */
const VARINT = 0;
const FIXED_64 = 1;
const LENGTH = 2;
const FIXED_32 = 5;

/** Up to this many bytes, a loop is cheaper than the engine's decoder. */
const SHORT = 10;
const MAX_TAG = 0xffff_ffff;

/**
 * Reads protobuf fields (protobuf encoding, "Message Structure"). Lengths are checked before
 * anything is allocated. Groups and lengths beyond the enclosing message are refused.
 *
 * Every method throws a HawserError `invalid_event` that names the byte.
 */
export class ProtobufReader {
  readonly #bytes: Buffer;
  #at = 0;
  /** End of the current message. */
  #end: number;

  constructor(frame: Uint8Array) {
    this.#bytes = Buffer.isBuffer(frame)
      ? frame
      : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    this.#end = frame.length;
  }

  /** True while the current message has more fields. */
  get more(): boolean {
    return this.#at < this.#end;
  }

  /** The next tag: field number times 8 plus the wire type. */
  tag(): number {
    const tag = this.#varint();
    if (tag > MAX_TAG || tag < 8) throw this.#broken("an illegal tag");
    return tag;
  }

  /** Enters a nested message. Pass the result to `leave`. */
  enter(): number {
    const outer = this.#end;
    const length = this.#length();
    this.#end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
  }

  /** A new reader of the same bytes, from the start. */
  again(): ProtobufReader {
    return new ProtobufReader(this.#bytes);
  }

  /** A reader of its own for a nested message. */
  message(): ProtobufReader {
    const length = this.#length();
    this.#at += length;
    return new ProtobufReader(this.#bytes.subarray(this.#at - length, this.#at));
  }

  /** A field of type string. @param likely common values, returned as they are instead of a copy */
  text(likely: readonly string[] = []): string {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    for (const text of likely) if (text.length === length && this.#isAt(start, text)) return text;
    const short = length <= SHORT ? this.#ascii(start, this.#at) : undefined;
    if (short !== undefined) return short;
    const text = this.#bytes.toString("utf8", start, this.#at);
    // Invalid UTF-8 was replaced by U+FFFD. The bytes distinguish it from a real U+FFFD.
    if (text.includes("\ufffd") && !isUtf8(this.#bytes.subarray(start, this.#at))) {
      throw this.#broken("text that is not UTF-8");
    }
    return text;
  }

  /** A copy: a view would keep the whole frame alive. */
  bytes(): Uint8Array {
    const length = this.#length();
    this.#at += length;
    return new Uint8Array(this.#bytes.subarray(this.#at - length, this.#at));
  }

  bool(): boolean {
    return Number(this.#varint64()) !== 0;
  }

  int32(): number {
    const value = this.#varint64();
    return typeof value === "number" ? value | 0 : Number(BigInt.asIntN(32, value));
  }

  /** Rounded beyond 2^53. */
  int64(): number {
    const value = this.#varint64();
    return typeof value === "number" ? value : Number(BigInt.asIntN(64, value));
  }

  /** Skips a field whose number the message does not define. */
  skip(tag: number, lastKnownField: number): void {
    const wireType = tag % 8;
    if (tag < (lastKnownField + 1) * 8) {
      throw this.#broken(
        `field ${Math.floor(tag / 8)} with wire type ${wireType}, which is not that of its type`,
      );
    }
    switch (wireType) {
      case VARINT:
        this.#varint64();
        return;
      case FIXED_64:
        return this.#pass(8);
      case LENGTH:
        return this.#pass(this.#length());
      case FIXED_32:
        return this.#pass(4);
      default:
        throw this.#broken(wireType < FIXED_32 ? "a group, which is not supported" : "an illegal wire type");
    }
  }

  #pass(length: number): void {
    if (length > this.#end - this.#at) throw this.#tooShort();
    this.#at += length;
  }

  #length(): number {
    const length = this.#varint();
    if (length > this.#end - this.#at) throw this.#tooShort();
    return length;
  }

  /** At most 35 bits, which suffices for tags and lengths. */
  #varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.#byte();
      if (byte < 128) return value + byte * scale;
      value += (byte - 128) * scale;
    }
    throw this.#broken("a tag or length of more than 5 bytes");
  }

  /** Unsigned. A slow bigint only beyond 7 bytes, for negative numbers. */
  #varint64(): number | bigint {
    let low = 0;
    for (let scale = 1; scale <= 2 ** 42; scale *= 128) {
      const byte = this.#byte();
      if (byte < 128) return low + byte * scale;
      low += (byte - 128) * scale;
    }
    let value = BigInt(low);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value += BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw this.#broken("a number of more than 10 bytes");
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    if (byte === undefined) throw this.#tooShort();
    this.#at += 1;
    return byte;
  }

  #isAt(start: number, text: string): boolean {
    for (let index = 0; index < text.length; index += 1) {
      if (this.#bytes[start + index] !== text.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Undefined when not all of it is ASCII. */
  #ascii(start: number, end: number): string | undefined {
    let text = "";
    for (let at = start; at < end; at += 1) {
      const byte = this.#bytes[at] ?? 128;
      if (byte > 127) return undefined;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #tooShort(): HawserError {
    return this.#broken("a field that is longer than what is left of its message");
  }

  #broken(problem: string): HawserError {
    return new HawserError(
      "invalid_event",
      `the frame is not a protobuf message: ${problem}, at byte ${this.#at}`,
    );
  }
}
