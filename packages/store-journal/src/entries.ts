import { crc32 } from "node:zlib";
import type { Entry, EntryName, EntryRange } from "@hawser/store";
import { EntryIndex, type Place } from "./entry-index.js";
import { ENTRY_HEADER_BYTES } from "./record.js";
import type { ReadAt, SegmentFiles } from "./segment-files.js";

/** Entries that lie no further apart are read in one go. */
const MAX_GAP_BYTES = 16_384;
/**
 * Entries of one mailbox often lie apart, and the system reads several at a time as fast as one.
 */
const READS_AT_ONCE = 16;
/** As much is read in one go, unless one entry is longer. */
const MAX_READ_BYTES = 262_144;

/** A mailbox that has entries, or had some at the last checkpoint. */
export interface Mailbox {
  /** As records call it. */
  readonly number: number;
  readonly index: EntryIndex;
  /** The segment whose records have said which peer the number is. */
  namedIn: number;
}

interface Wanted {
  readonly version: number;
  readonly place: Place;
}

/** Which entries there are, where they lie, and how much of each segment is still needed. */
export class Entries {
  readonly #files: SegmentFiles;
  readonly #mailboxes = new Map<string, Mailbox>();
  /** Bytes of each segment that belong to entries. */
  readonly #live = new Map<number, number>();
  /** Reads under way, by segment. */
  readonly #reading = new Map<number, number>();
  /** Mailboxes that changed since the last checkpoint. */
  #changed = new Set<string>();
  #numbers = 0;

  constructor(files: SegmentFiles) {
    this.#files = files;
  }

  mailbox(peer: string): Mailbox | undefined {
    return this.#mailboxes.get(peer);
  }

  mailboxOrNew(peer: string): Mailbox {
    return this.#mailboxes.get(peer) ?? this.#add(peer, new EntryIndex());
  }

  /** A mailbox as the last checkpoint has it. */
  load(peer: string, index: EntryIndex): void {
    this.#add(peer, index);
    index.visit(Number.NEGATIVE_INFINITY, (_, { segment, length }) => {
      this.#weigh(segment, length);
      return true;
    });
  }

  #add(peer: string, index: EntryIndex): Mailbox {
    const mailbox = { number: ++this.#numbers, index, namedIn: 0 };
    this.#mailboxes.set(peer, mailbox);
    return mailbox;
  }

  set(peer: string, version: number, place: Place): void {
    const former = this.mailboxOrNew(peer).index.set(version, place);
    if (former !== undefined) this.#weigh(former.segment, -former.length);
    this.#weigh(place.segment, place.length);
    this.#changed.add(peer);
  }

  delete(peer: string, version: number): void {
    const former = this.#mailboxes.get(peer)?.index.delete(version);
    if (former === undefined) return;
    this.#weigh(former.segment, -former.length);
    this.#changed.add(peer);
  }

  #weigh(segment: number, bytes: number): void {
    this.#live.set(segment, (this.#live.get(segment) ?? 0) + bytes);
  }

  /** Bytes of a segment that belong to entries. */
  liveBytes(segment: number): number {
    return this.#live.get(segment) ?? 0;
  }

  /** Where the last entry of each segment ends. */
  ends(): ReadonlyMap<number, number> {
    const ends = new Map<number, number>();
    for (const { index } of this.#mailboxes.values()) {
      index.visit(Number.NEGATIVE_INFINITY, (_, { segment, offset, length }) => {
        const end = offset + ENTRY_HEADER_BYTES + length;
        if (end > (ends.get(segment) ?? 0)) ends.set(segment, end);
        return true;
      });
    }
    return ends;
  }

  /** How many there are of each mailbox that has any. */
  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [peer, { index }] of this.#mailboxes) if (index.size > 0) counts.set(peer, index.size);
    return counts;
  }

  isBeingRead(segment: number): boolean {
    return this.#reading.has(segment);
  }

  forgetSegment(segment: number): void {
    this.#live.delete(segment);
  }

  /**
   * Mailboxes that changed since this was called last. Those that are empty are forgotten once they
   * are `written`.
   */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** The checkpoint has the changes of `peer`. A mailbox that has been empty since is forgotten. */
  written(peer: string): void {
    if (this.#mailboxes.get(peer)?.index.size === 0 && !this.#changed.has(peer)) this.#mailboxes.delete(peer);
  }

  has({ peer, version }: EntryName): boolean {
    return this.#mailboxes.get(peer)?.index.has(version) ?? false;
  }

  /** @throws HawserError `store_corrupt` where an entry was damaged; errors of the file system */
  async get(names: readonly EntryName[]): Promise<readonly (string | undefined)[]> {
    const places = names.map(({ peer, version }) => this.#mailboxes.get(peer)?.index.get(version));
    const wanted = places.flatMap((place, version) => (place === undefined ? [] : [{ version, place }]));
    const texts: (string | undefined)[] = names.map(() => undefined);
    for (const { version, text } of await this.#read(wanted)) texts[version] = text;
    return texts;
  }

  /** As `get`. */
  async range({ peer, after, limit, maxLength }: EntryRange): Promise<readonly Entry[]> {
    const read: Entry[] = [];
    const max = maxLength ?? Number.POSITIVE_INFINITY;
    let length = 0;
    for (let last = after; read.length < limit && length < max; ) {
      // A text has at least as many bytes as units, so a page by bytes may need another one.
      const wanted = this.#wanted(peer, last, limit - read.length, max - length);
      const lastWanted = wanted.at(-1);
      if (lastWanted === undefined) break;
      last = lastWanted.version;
      for (const entry of await this.#read(wanted)) {
        read.push(entry);
        length += entry.text.length;
      }
    }
    return read;
  }

  #wanted(peer: string, after: number, limit: number, maxBytes: number): readonly Wanted[] {
    const wanted: Wanted[] = [];
    let bytes = 0;
    this.#mailboxes.get(peer)?.index.visit(after, (version, place) => {
      wanted.push({ version, place });
      bytes += place.length;
      return wanted.length < limit && bytes < maxBytes;
    });
    return wanted;
  }

  /** The segments stay for as long as they are read. */
  async #read(wanted: readonly Wanted[]): Promise<readonly Entry[]> {
    const segments = new Set(wanted.map(({ place }) => place.segment));
    for (const segment of segments) this.#reading.set(segment, (this.#reading.get(segment) ?? 0) + 1);
    try {
      const entries: Entry[] = [];
      for (const part of bySegment(wanted)) {
        const segment = part[0]?.place.segment ?? 0;
        entries.push(...(await this.#files.reading(segment, (read) => this.#readAll(segment, part, read))));
      }
      return entries;
    } finally {
      for (const segment of segments) this.#release(segment);
    }
  }

  #release(segment: number): void {
    const others = (this.#reading.get(segment) ?? 1) - 1;
    if (others === 0) this.#reading.delete(segment);
    else this.#reading.set(segment, others);
  }

  async #readAll(segment: number, wanted: readonly Wanted[], read: ReadAt): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    for (let from = 0; from < wanted.length; ) {
      const runs: (readonly Wanted[])[] = [];
      while (from < wanted.length && runs.length < READS_AT_ONCE) {
        const to = endOfRun(wanted, from);
        runs.push(wanted.slice(from, to));
        from = to;
      }
      for (const part of await Promise.all(runs.map((run) => this.#readRun(segment, run, read))))
        entries.push(...part);
    }
    return entries;
  }

  async #readRun(segment: number, run: readonly Wanted[], read: ReadAt): Promise<readonly Entry[]> {
    const start = run[0]?.place.offset ?? 0;
    const bytes = await read(start, endOf(run.at(-1)) - start);
    return run.map(({ version, place }) => ({
      version,
      text: this.#text(segment, place, bytes, place.offset - start),
    }));
  }

  #text(segment: number, { offset, length }: Place, bytes: Buffer, at: number): string {
    const text = bytes.subarray(at + ENTRY_HEADER_BYTES, at + ENTRY_HEADER_BYTES + length);
    const isWhole = text.length === length && crc32(text) === bytes.readUInt32LE(at);
    if (!isWhole) throw this.#files.damaged(segment, offset, "holds an entry that is damaged");
    return text.toString("utf8");
  }
}

/** Runs of entries that lie in the same segment. */
function* bySegment(wanted: readonly Wanted[]): Iterable<readonly Wanted[]> {
  for (let from = 0; from < wanted.length; ) {
    let to = from + 1;
    while (to < wanted.length && wanted[to]?.place.segment === wanted[from]?.place.segment) to++;
    yield wanted.slice(from, to);
    from = to;
  }
}

/** How many from `from` on are read in one go. */
function endOfRun(wanted: readonly Wanted[], from: number): number {
  const start = wanted[from]?.place.offset ?? 0;
  let to = from + 1;
  for (; to < wanted.length; to++) {
    const gap = (wanted[to]?.place.offset ?? 0) - endOf(wanted[to - 1]);
    if (gap < 0 || gap > MAX_GAP_BYTES || endOf(wanted[to]) - start > MAX_READ_BYTES) break;
  }
  return to;
}

function endOf(wanted: Wanted | undefined): number {
  return wanted === undefined ? 0 : wanted.place.offset + ENTRY_HEADER_BYTES + wanted.place.length;
}
