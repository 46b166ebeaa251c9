import { crc32 } from "node:zlib";
import type { Changes } from "@hawser/store";

/** In front of each record: "HWJR". */
const RECORD_MAGIC = 0x524a5748;
/**
 * Magic, segment, sequence (8 bytes), length and checksum of the body, two zero words, checksum of
 * it all.
 */
export const RECORD_HEADER_BYTES = 36;
const HEADER_CHECKSUM_AT = 32;
/** Before an entry's text: its checksum and its length. A place points to the checksum. */
export const ENTRY_HEADER_BYTES = 8;
/** The most that a commit can take: a longer length is damage. */
const MAX_BODY_BYTES = 512 * 1024 * 1024;

const OP_NAME = 1;
const OP_ADD = 2;
const OP_REMOVE = 3;
const OP_PUT = 4;
const OP_DELETE = 5;
/** The longest fixed part of an operation. */
const MAX_FIXED_BYTES = 21;
/** UTF-8 bytes that one UTF-16 code unit takes at most. */
const MAX_UNIT_BYTES = 3;

/** Contents of a commit record, in the order of writing. Offsets count from its first byte. */
export interface RecordReader {
  name(mailbox: number, peer: string): void;
  add(mailbox: number, version: number, offset: number, length: number): void;
  remove(mailbox: number, version: number): void;
  put(key: string, value: string): void;
  delete(key: string): void;
}

/** How much room the record of `changes` may take, at most. */
export function recordBound({ rows, entries }: Changes): number {
  let bound = RECORD_HEADER_BYTES;
  for (const [key, value] of rows)
    bound += MAX_FIXED_BYTES + (key.length + (value?.length ?? 0)) * MAX_UNIT_BYTES;
  for (const [peer, changed] of entries) {
    bound += MAX_FIXED_BYTES + peer.length * 2;
    for (const text of changed.values()) bound += MAX_FIXED_BYTES + (text?.length ?? 0) * MAX_UNIT_BYTES;
  }
  return bound;
}

/** Writes one record into a buffer that has room for it (`recordBound`). */
export class RecordWriter {
  readonly #into: Buffer;
  readonly #start: number;
  #at: number;
  #textLength = 0;

  /** @param start where in `into` the record begins */
  constructor(into: Buffer, start: number) {
    this.#into = into;
    this.#start = start;
    this.#at = start + RECORD_HEADER_BYTES;
  }

  /** Bytes so far. */
  get length(): number {
    return this.#at - this.#start;
  }

  /** Bytes of the text that was added last. */
  get textLength(): number {
    return this.#textLength;
  }

  name(mailbox: number, peer: string): void {
    const into = this.#into;
    const length = into.write(peer, this.#at + 9, "utf16le");
    into[this.#at] = OP_NAME;
    into.writeUInt32LE(mailbox, this.#at + 1);
    into.writeUInt32LE(length, this.#at + 5);
    this.#at += 9 + length;
  }

  /** @returns the offset of the entry's checksum in the record */
  add(mailbox: number, version: number, text: string): number {
    return this.#add(mailbox, version, this.#into.write(text, this.#at + MAX_FIXED_BYTES, "utf8"));
  }

  /** As `add`, of a text that was read from another segment. */
  addBytes(mailbox: number, version: number, text: Buffer): number {
    text.copy(this.#into, this.#at + MAX_FIXED_BYTES);
    return this.#add(mailbox, version, text.length);
  }

  #add(mailbox: number, version: number, length: number): number {
    const into = this.#into;
    const at = this.#at;
    const text = at + MAX_FIXED_BYTES;
    into[at] = OP_ADD;
    into.writeUInt32LE(mailbox, at + 1);
    into.writeDoubleLE(version, at + 5);
    into.writeUInt32LE(crc32(into.subarray(text, text + length)), at + 13);
    into.writeUInt32LE(length, at + 17);
    this.#at = text + length;
    this.#textLength = length;
    return at + 13 - this.#start;
  }

  remove(mailbox: number, version: number): void {
    const into = this.#into;
    into[this.#at] = OP_REMOVE;
    into.writeUInt32LE(mailbox, this.#at + 1);
    into.writeDoubleLE(version, this.#at + 5);
    this.#at += 13;
  }

  put(key: string, value: string): void {
    const into = this.#into;
    const keyLength = into.write(key, this.#at + 9, "utf8");
    const valueLength = into.write(value, this.#at + 9 + keyLength, "utf8");
    into[this.#at] = OP_PUT;
    into.writeUInt32LE(keyLength, this.#at + 1);
    into.writeUInt32LE(valueLength, this.#at + 5);
    this.#at += 9 + keyLength + valueLength;
  }

  delete(key: string): void {
    const into = this.#into;
    const length = into.write(key, this.#at + 5, "utf8");
    into[this.#at] = OP_DELETE;
    into.writeUInt32LE(length, this.#at + 1);
    this.#at += 5 + length;
  }

  /** Fills in the header. @returns the length of the record */
  finish(segment: number, sequence: number): number {
    const into = this.#into;
    const start = this.#start;
    const body = into.subarray(start + RECORD_HEADER_BYTES, this.#at);
    into.writeUInt32LE(RECORD_MAGIC, start);
    into.writeUInt32LE(segment, start + 4);
    into.writeDoubleLE(sequence, start + 8);
    into.writeUInt32LE(body.length, start + 16);
    into.writeUInt32LE(crc32(body), start + 20);
    into.writeDoubleLE(0, start + 24);
    into.writeUInt32LE(crc32(into.subarray(start, start + HEADER_CHECKSUM_AT)), start + HEADER_CHECKSUM_AT);
    return this.length;
  }
}

/** A record as it was found. */
export interface FoundRecord {
  readonly sequence: number;
  readonly body: Buffer;
  /** With its header. */
  readonly length: number;
}

/** The record that begins at `at`; undefined where there is none that is whole. */
export function findRecord(bytes: Buffer, at: number, segment: number): FoundRecord | undefined {
  if (at + RECORD_HEADER_BYTES > bytes.length) return undefined;
  if (bytes.readUInt32LE(at) !== RECORD_MAGIC || bytes.readUInt32LE(at + 4) !== segment) return undefined;
  const checksum = crc32(bytes.subarray(at, at + HEADER_CHECKSUM_AT));
  if (bytes.readUInt32LE(at + HEADER_CHECKSUM_AT) !== checksum) return undefined;
  const length = bytes.readUInt32LE(at + 16);
  const start = at + RECORD_HEADER_BYTES;
  if (length > MAX_BODY_BYTES || start + length > bytes.length) return undefined;
  const body = bytes.subarray(start, start + length);
  if (crc32(body) !== bytes.readUInt32LE(at + 20)) return undefined;
  return { sequence: bytes.readDoubleLE(at + 8), body, length: RECORD_HEADER_BYTES + length };
}

/** Where the first whole record behind `from` begins; undefined where there is none. */
export function findLaterRecord(bytes: Buffer, from: number, segment: number): number | undefined {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(RECORD_MAGIC);
  for (let at = bytes.indexOf(magic, from); at >= 0; at = bytes.indexOf(magic, at + 1))
    if (findRecord(bytes, at, segment) !== undefined) return at;
  return undefined;
}

/**
 * Tells `reader` what the body of a record says.
 *
 * @throws RangeError where it is not what `RecordWriter` writes
 */
export function readRecord({ body }: FoundRecord, reader: RecordReader): void {
  for (let at = 0; at < body.length; ) at = readOperation(body, at, reader);
}

/** @returns where the next one begins */
function readOperation(body: Buffer, at: number, reader: RecordReader): number {
  const first = body.readUInt32LE(at + 1);
  switch (body[at]) {
    case OP_NAME: {
      const end = at + 9 + body.readUInt32LE(at + 5);
      reader.name(first, within(body, at + 9, end).toString("utf16le"));
      return end;
    }
    case OP_ADD: {
      const length = body.readUInt32LE(at + 17);
      within(body, at + MAX_FIXED_BYTES, at + MAX_FIXED_BYTES + length);
      reader.add(first, body.readDoubleLE(at + 5), RECORD_HEADER_BYTES + at + 13, length);
      return at + MAX_FIXED_BYTES + length;
    }
    case OP_REMOVE:
      reader.remove(first, body.readDoubleLE(at + 5));
      return at + 13;
    case OP_PUT: {
      const keyEnd = at + 9 + first;
      const end = keyEnd + body.readUInt32LE(at + 5);
      reader.put(within(body, at + 9, keyEnd).toString(), within(body, keyEnd, end).toString());
      return end;
    }
    case OP_DELETE: {
      const end = at + 5 + first;
      reader.delete(within(body, at + 5, end).toString());
      return end;
    }
    default:
      throw new RangeError(`operation ${body[at]} at ${at} is unknown`);
  }
}

function within(body: Buffer, from: number, to: number): Buffer {
  if (to > body.length) throw new RangeError(`an operation ends at ${to} of ${body.length}`);
  return body.subarray(from, to);
}
