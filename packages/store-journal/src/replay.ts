import { HawserError } from "@hawser/protocol";
import type { Entries } from "./entries.js";
import type { Position } from "./journal.js";
import { findLaterRecord, findRecord, readRecord, type RecordReader } from "./record.js";
import type { RowTable } from "./row-table.js";
import { SEGMENT_HEADER_BYTES, type SegmentFile, type SegmentFiles } from "./segment-files.js";

export interface ReplayParts {
  readonly files: SegmentFiles;
  readonly rows: RowTable;
  readonly entries: Entries;
}

/** A journal as it was found. */
export interface Replayed {
  readonly file: SegmentFile;
  /** Behind the last record. */
  readonly position: Position;
  /** Sizes of the segments before the one that is written to. */
  readonly sealed: ReadonlyMap<number, number>;
}

/** Of a journal that has none yet. */
export const BEGINNING: Position = { segment: 1, offset: SEGMENT_HEADER_BYTES, sequence: 1 };

/**
 * Tells rows and entries what the journal says since the checkpoint.
 *
 * The last record of the last segment may be torn: it was never confirmed. Whatever else does not
 * fit is damage.
 *
 * @param from where the journal continues after the checkpoint; undefined where there is none yet
 * @throws HawserError `store_corrupt`, naming the file and the byte; whatever the file system
 *   throws
 */
export async function replay(parts: ReplayParts, from: Position | undefined): Promise<Replayed> {
  const { files } = parts;
  const sizes = await files.list();
  if (from === undefined && sizes.size === 0)
    return { file: await files.create(BEGINNING.segment), position: BEGINNING, sealed: new Map() };
  const start = from ?? BEGINNING;
  const last = Math.max(start.segment, ...sizes.keys());
  for (let segment = start.segment; segment <= last; segment++)
    if (!sizes.has(segment)) throw missing(files, segment);
  let sequence = start.sequence;
  for (let segment = start.segment; ; segment++) {
    const offset = segment === start.segment ? start.offset : SEGMENT_HEADER_BYTES;
    const bytes = await files.read(segment);
    const isLast = segment === last;
    if (bytes === undefined) {
      // Nothing is written to a segment before its header is on disk, and no checkpoint names one.
      if (!isLast || segment === from?.segment) throw files.damaged(segment, 0, "ends within its header");
      sizes.set(segment, SEGMENT_HEADER_BYTES);
      await checkPlaces(parts, sizes);
      return ended(await files.create(segment), { segment, offset, sequence }, sizes);
    }
    const end = readSegment(parts, { segment, offset, sequence }, bytes, isLast);
    sequence = end.sequence;
    if (!isLast) continue;
    sizes.set(segment, end.offset);
    await checkPlaces(parts, sizes);
    return ended(await files.resume(segment, bytes, end.offset), end, sizes);
  }
}

function ended(file: SegmentFile, position: Position, sizes: ReadonlyMap<number, number>): Replayed {
  return { file, position, sealed: new Map([...sizes].filter(([segment]) => segment < position.segment)) };
}

/** @returns where the records of the segment end */
function readSegment(parts: ReplayParts, from: Position, bytes: Buffer, isLast: boolean): Position {
  const { files } = parts;
  const { segment } = from;
  let { offset, sequence } = from;
  if (offset > bytes.length)
    throw files.damaged(segment, bytes.length, "ends before what its checkpoint has of it");
  const reader = new Replay(parts, segment);
  while (offset < bytes.length) {
    const record = findRecord(bytes, offset, segment);
    if (record === undefined) {
      const isTorn = isLast && findLaterRecord(bytes, offset + 1, segment) === undefined;
      if (isTorn) break;
      throw files.damaged(segment, offset, "holds a record that is damaged");
    }
    if (record.sequence !== sequence)
      throw files.damaged(segment, offset, `has record ${record.sequence} where record ${sequence} belongs`);
    reader.begin(offset);
    try {
      readRecord(record, reader);
    } catch (cause) {
      if (cause instanceof HawserError) throw cause;
      throw files.damaged(segment, offset, "holds a record that cannot be read");
    }
    offset += record.length;
    sequence++;
  }
  return { segment, offset, sequence };
}

/** Does what the records of one segment say. */
class Replay implements RecordReader {
  readonly #parts: ReplayParts;
  readonly #segment: number;
  readonly #names = new Map<number, string>();
  #record = 0;

  constructor(parts: ReplayParts, segment: number) {
    this.#parts = parts;
    this.#segment = segment;
  }

  /** @param offset of the record that is read next */
  begin(offset: number): void {
    this.#record = offset;
  }

  name(mailbox: number, peer: string): void {
    this.#names.set(mailbox, peer);
  }

  add(mailbox: number, version: number, offset: number, length: number): void {
    const place = { segment: this.#segment, offset: this.#record + offset, length };
    this.#parts.entries.set(this.#peer(mailbox), version, place);
  }

  remove(mailbox: number, version: number): void {
    this.#parts.entries.delete(this.#peer(mailbox), version);
  }

  put(key: string, value: string): void {
    this.#parts.rows.set(key, value);
  }

  delete(key: string): void {
    this.#parts.rows.set(key, undefined);
  }

  #peer(mailbox: number): string {
    const peer = this.#names.get(mailbox);
    if (peer !== undefined) return peer;
    throw this.#parts.files.damaged(this.#segment, this.#record, `names no mailbox ${mailbox}`);
  }
}

/** Every entry lies in a segment that is there, and within it. */
async function checkPlaces(
  { entries, files }: ReplayParts,
  sizes: ReadonlyMap<number, number>,
): Promise<void> {
  for (const [segment, end] of entries.ends()) {
    const size = sizes.get(segment);
    if (size === undefined) throw missing(files, segment);
    if (end > size) throw files.damaged(segment, size, "is shorter than what was written to it");
  }
}

function missing(files: SegmentFiles, segment: number): HawserError {
  return files.damaged(segment, 0, "is missing, and events lie in it");
}
