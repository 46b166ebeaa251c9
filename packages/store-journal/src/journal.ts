import { HawserError } from "@hawser/protocol";
import type { Changes } from "@hawser/store";
import type { Entries, Mailbox } from "./entries.js";
import type { Place } from "./entry-index.js";
import { RECORD_HEADER_BYTES, recordBound, RecordWriter } from "./record.js";
import type { RowTable } from "./row-table.js";
import { SEGMENT_HEADER_BYTES, type SegmentFile, type SegmentFiles } from "./segment-files.js";

/**
 * Unsynced records are written again with the next synced one. Beyond this they are synced alone.
 */
const MAX_UNSYNCED_BYTES = 1_048_576;
/** Memory for records in the making that is kept from one to the next. */
const MAX_KEPT_BYTES = 8 * 1_048_576;
const FIRST_KEPT_BYTES = 16_384;

/** Where the next record goes. */
export interface Position {
  readonly segment: number;
  readonly offset: number;
  readonly sequence: number;
}

export interface JournalParts {
  readonly files: SegmentFiles;
  readonly rows: RowTable;
  readonly entries: Entries;
  /** A segment takes no more records once it has as many bytes. */
  readonly segmentBytes: number;
  /** A new segment has begun, and nothing is being written until it resolves. */
  readonly onSegment: (former: number, size: number) => Promise<void>;
}

/** An entry that is written once more, further ahead. */
export interface Moved {
  readonly peer: string;
  readonly version: number;
  readonly from: Place;
  readonly text: Buffer;
}

/**
 * The records of a store, in files of bounded size. One record is one commit, all or nothing.
 *
 * A synced record is on disk once its write is done (O_DSYNC), together with earlier unsynced ones.
 */
export class Journal {
  readonly #parts: JournalParts;
  #file: SegmentFile;
  #segment: number;
  #size: number;
  #sequence: number;
  #buffer = Buffer.allocUnsafe(FIRST_KEPT_BYTES);
  /** Bytes at the start of the buffer that are in the file, and may not be on disk yet. */
  #unsynced = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #failure: unknown;

  /** @param position behind the last record in `file` */
  constructor(parts: JournalParts, file: SegmentFile, position: Position) {
    this.#parts = parts;
    this.#file = file;
    this.#segment = position.segment;
    this.#size = position.offset;
    this.#sequence = position.sequence;
  }

  get position(): Position {
    return { segment: this.#segment, offset: this.#size, sequence: this.#sequence };
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Nothing is written any more: what was found says that the disk cannot be trusted with it. */
  fail(thrown: unknown): void {
    this.#failure ??= thrown;
  }

  /** Runs `work` when nothing is being written, and before anything else is. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => {
      if (this.#failure !== undefined) throw asError(this.#failure);
      return work();
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  /** One record: all of it or nothing. After a rejection nothing more is written. */
  write(changes: Changes, sync: boolean): Promise<void> {
    return this.inTurn(() => this.#orFail(() => this.#write(changes, sync)));
  }

  /** Writes the entries again that are still at these places. On disk once resolved. */
  move(entries: readonly Moved[]): Promise<void> {
    return this.inTurn(() => this.#orFail(() => this.#move(entries)));
  }

  /**
   * Unsynced records are written again with the next synced one. Beyond this they are synced alone.
   */
  async sync(): Promise<void> {
    if (this.#unsynced === 0) return;
    await this.#file.write(this.#buffer.subarray(0, this.#unsynced), this.#size - this.#unsynced, true);
    this.#unsynced = 0;
  }

  /** Whatever comes later is refused. */
  async close(): Promise<void> {
    await this.#turn;
    this.fail(new HawserError("store_unavailable", "the journal was closed"));
    await this.#file.close();
  }

  async #orFail(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.fail(thrown);
      throw thrown;
    }
  }

  async #write(changes: Changes, sync: boolean): Promise<void> {
    if (this.#size >= this.#parts.segmentBytes) await this.#nextSegment();
    const writer = this.#writer(recordBound(changes));
    const start = this.#size;
    const places = this.#encode(changes, writer);
    await this.#append(writer, sync);
    this.#apply(changes, start, places);
  }

  /**
   * @returns offset in the record and length of each added entry, in order; thousands, so no
   *   objects
   */
  #encode({ rows, entries }: Changes, writer: RecordWriter): readonly number[] {
    const places: number[] = [];
    for (const [peer, changed] of entries) {
      const known = this.#parts.entries.mailbox(peer);
      for (const [version, text] of changed) {
        if (text === undefined) {
          // What was added and removed by the same commit never was.
          if (known?.index.has(version) === true) writer.remove(this.#named(peer, known, writer), version);
          continue;
        }
        const mailbox = known ?? this.#parts.entries.mailboxOrNew(peer);
        places.push(writer.add(this.#named(peer, mailbox, writer), version, text), writer.textLength);
      }
    }
    for (const [key, value] of rows) {
      if (value === undefined) writer.delete(key);
      else writer.put(key, value);
    }
    return places;
  }

  /** @param start of the record in its segment */
  #apply({ rows, entries }: Changes, start: number, places: readonly number[]): void {
    const { entries: known, rows: table } = this.#parts;
    const segment = this.#segment;
    let next = 0;
    for (const [peer, changed] of entries) {
      for (const [version, text] of changed) {
        if (text === undefined) {
          known.delete(peer, version);
          continue;
        }
        const offset = start + (places[next++] ?? 0);
        known.set(peer, version, { segment, offset, length: places[next++] ?? 0 });
      }
    }
    for (const [key, value] of rows) table.set(key, value);
  }

  async #move(moved: readonly Moved[]): Promise<void> {
    if (this.#size >= this.#parts.segmentBytes) await this.#nextSegment();
    const { entries } = this.#parts;
    const current = moved.filter(({ peer, version, from }) => isAt(entries.mailbox(peer), version, from));
    if (current.length === 0) return;
    const bound = current.reduce(
      (sum, { peer, text }) => sum + MOVED_OVERHEAD + peer.length * 2 + text.length,
      RECORD_HEADER_BYTES,
    );
    const writer = this.#writer(bound);
    const start = this.#size;
    const offsets = current.map(({ peer, version, text }) => {
      const number = this.#named(peer, entries.mailboxOrNew(peer), writer);
      return start + writer.addBytes(number, version, text);
    });
    await this.#append(writer, true);
    current.forEach(({ peer, version, text }, index) => {
      const place = { segment: this.#segment, offset: offsets[index] ?? 0, length: text.length };
      entries.set(peer, version, place);
    });
  }

  /** The number of a mailbox, which the segment records at its first use. */
  #named(peer: string, mailbox: Mailbox, writer: RecordWriter): number {
    if (mailbox.namedIn !== this.#segment) {
      writer.name(mailbox.number, peer);
      mailbox.namedIn = this.#segment;
    }
    return mailbox.number;
  }

  /** Of a record that takes up to `bound` bytes. */
  #writer(bound: number): RecordWriter {
    const needed = this.#unsynced + bound;
    if (needed > this.#buffer.length || this.#buffer.length > Math.max(needed, MAX_KEPT_BYTES)) {
      const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(needed * 2, MAX_KEPT_BYTES)));
      this.#buffer.copy(larger, 0, 0, this.#unsynced);
      this.#buffer = larger;
    }
    return new RecordWriter(this.#buffer, this.#unsynced);
  }

  async #append(writer: RecordWriter, sync: boolean): Promise<void> {
    const length = writer.finish(this.#segment, this.#sequence);
    const end = this.#unsynced + length;
    if (sync || end > MAX_UNSYNCED_BYTES) {
      await this.#file.write(this.#buffer.subarray(0, end), this.#size - this.#unsynced, true);
      this.#unsynced = 0;
    } else {
      await this.#file.write(this.#buffer.subarray(this.#unsynced, end), this.#size, false);
      this.#unsynced = end;
    }
    this.#size += length;
    this.#sequence += 1;
  }

  async #nextSegment(): Promise<void> {
    await this.sync();
    const former = this.#file;
    const size = this.#size;
    this.#file = await this.#parts.files.create(this.#segment + 1);
    this.#segment += 1;
    this.#size = SEGMENT_HEADER_BYTES;
    await former.close();
    await this.#parts.onSegment(this.#segment - 1, size);
  }
}

/** Of an entry that is written once more, besides its text. */
const MOVED_OVERHEAD = 64;

function isAt(mailbox: Mailbox | undefined, version: number, from: Place): boolean {
  const place = mailbox?.index.get(version);
  return place !== undefined && place.segment === from.segment && place.offset === from.offset;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : HawserError.from(thrown, "store_unavailable");
}
