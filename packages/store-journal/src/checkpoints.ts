import type { Entries } from "./entries.js";
import { EntryIndex } from "./entry-index.js";
import type { Journal, Moved, Position } from "./journal.js";
import { ENTRY_HEADER_BYTES, findRecord, readRecord, type RecordReader } from "./record.js";
import type { OwnRow, RowTable } from "./row-table.js";
import { SEGMENT_HEADER_BYTES, type SegmentFiles } from "./segment-files.js";

/** The row with the place where the journal continues after the checkpoint. */
const POSITION_KEY = "position";
const INDEX_PREFIX = "index ";
/** Indexes of mailboxes are written in batches of about this many bytes. */
const INDEX_BATCH_BYTES = 1_048_576;
/** The newest segments are left alone, as most of what they hold is acknowledged before long. */
const YOUNG_SEGMENTS = 4;
/** Rows that wait for a checkpoint may take as much memory before a commit waits for one. */
const MAX_RECENT_BYTES = 33_554_432;
/** Entries are moved in records of about this many bytes, so that commits get their turn. */
const MOVE_BYTES = 262_144;

export interface CheckpointParts {
  readonly files: SegmentFiles;
  readonly rows: RowTable;
  readonly entries: Entries;
  readonly journal: Journal;
}

/**
 * Writes checkpoints of the journal, segment by segment: its rows, and where the entries of each
 * mailbox lie. A start reads the last checkpoint and the journal behind it. Segments that nothing
 * needs are deleted.
 */
export class Checkpoints {
  readonly #parts: CheckpointParts;
  /** Sealed segments with their sizes, oldest first. */
  readonly #sealed: Map<number, number>;
  #writing: Promise<void> | undefined;
  #tidying: Promise<void> | undefined;
  /** Everything before this segment is in a checkpoint. */
  #covered: number;

  /** @param sealed sizes of the segments before the one that is written to */
  constructor(parts: CheckpointParts, sealed: ReadonlyMap<number, number>, covered: number) {
    this.#parts = parts;
    this.#sealed = new Map(sealed);
    this.#covered = covered;
  }

  /**
   * A segment has begun, and nothing is being written. Writes a checkpoint beside other work.
   * Where the former is still being written, this one is left out, unless rows take too much memory
   * meanwhile; then it waits.
   */
  async segmentBegan(former: number, size: number): Promise<void> {
    this.#sealed.set(former, size);
    if (this.#writing !== undefined) {
      if (this.#parts.rows.recentBytes < MAX_RECENT_BYTES) return;
      await this.#writing;
    }
    this.#start();
  }

  #start(): void {
    const { journal } = this.#parts;
    this.#writing = this.#write(journal.position)
      .then(() => {
        this.#tidying ??= this.#tidy()
          .catch((thrown: unknown) => journal.fail(thrown))
          .finally(() => {
            this.#tidying = undefined;
          });
      })
      .catch((thrown: unknown) => journal.fail(thrown))
      .finally(() => {
        this.#writing = undefined;
      });
  }

  /** Whatever has begun has ended once resolved. */
  async idle(): Promise<void> {
    // What is moved ahead may fill a segment, and that begins the next checkpoint.
    while (this.#writing !== undefined || this.#tidying !== undefined) {
      await this.#writing;
      await this.#tidying;
    }
  }

  /** Everything so far, in a checkpoint of its own; in the turn of the journal. */
  async last(): Promise<void> {
    const { journal } = this.#parts;
    await this.#writing;
    await journal.sync();
    await this.#write(journal.position);
  }

  async #write(position: Position): Promise<void> {
    const { rows, entries } = this.#parts;
    // In this turn, so that both are what the journal says up to the position.
    rows.beginCheckpoint();
    const changed = entries.takeChanged();
    await rows.writeCheckpoint();
    for (const batch of indexBatches(changed, entries)) await rows.writeOwn(batch, false);
    await rows.finishCheckpoint([{ key: POSITION_KEY, value: encodePosition(position) }]);
    for (const peer of changed) entries.written(peer);
    this.#covered = position.segment;
  }

  /** Deletes segments that nothing needs, and moves what is needed of nearly empty ones ahead. */
  async #tidy(): Promise<void> {
    const { entries } = this.#parts;
    await this.#removeUnneeded();
    const old = [...this.#sealed].slice(0, -YOUNG_SEGMENTS);
    for (const [segment, size] of old) {
      if (segment >= this.#covered || entries.liveBytes(segment) * 2 > size) continue;
      await this.#moveAhead(segment);
    }
    await this.#removeUnneeded();
  }

  async #removeUnneeded(): Promise<void> {
    const { entries, files } = this.#parts;
    for (const segment of this.#sealed.keys()) {
      if (segment >= this.#covered || entries.liveBytes(segment) > 0 || entries.isBeingRead(segment))
        continue;
      await files.remove(segment);
      this.#sealed.delete(segment);
      entries.forgetSegment(segment);
    }
  }

  async #moveAhead(segment: number): Promise<void> {
    const { files, journal } = this.#parts;
    const bytes = await files.read(segment);
    if (bytes === undefined) return;
    let moved: Moved[] = [];
    let gathered = 0;
    for (const entry of this.#entriesOf(segment, bytes)) {
      moved.push(entry);
      gathered += entry.text.length;
      if (gathered < MOVE_BYTES) continue;
      await journal.move(moved);
      moved = [];
      gathered = 0;
    }
    await journal.move(moved);
  }

  /** What a segment has of entries that are still there. */
  *#entriesOf(segment: number, bytes: Buffer): Iterable<Moved> {
    const { entries } = this.#parts;
    const names = new Map<number, string>();
    for (let at = SEGMENT_HEADER_BYTES; at < bytes.length; ) {
      const record = findRecord(bytes, at, segment);
      if (record === undefined)
        throw this.#parts.files.damaged(segment, at, "holds a record that is damaged");
      const found: Moved[] = [];
      const start = at;
      readRecord(record, {
        ...IGNORED,
        name: (mailbox, peer) => void names.set(mailbox, peer),
        add: (mailbox, version, offset, length) => {
          const peer = names.get(mailbox);
          const place = peer === undefined ? undefined : entries.mailbox(peer)?.index.get(version);
          const from = { segment, offset: start + offset, length };
          if (peer === undefined || place?.segment !== segment || place.offset !== from.offset) return;
          const text = from.offset + ENTRY_HEADER_BYTES;
          found.push({ peer, version, from, text: bytes.subarray(text, text + length) });
        },
      });
      yield* found;
      at += record.length;
    }
  }
}

const IGNORED: RecordReader = {
  name: () => {},
  add: () => {},
  remove: () => {},
  put: () => {},
  delete: () => {},
};

/** The rows of indexes that changed, some at a time. */
function* indexBatches(changed: ReadonlySet<string>, entries: Entries): Iterable<readonly OwnRow[]> {
  let batch: OwnRow[] = [];
  let bytes = 0;
  for (const peer of changed) {
    const index = entries.mailbox(peer)?.index;
    const value = index === undefined || index.size === 0 ? undefined : index.pack();
    batch.push({ key: INDEX_PREFIX + encodeName(peer), value });
    bytes += value?.length ?? 0;
    if (bytes < INDEX_BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  yield batch;
}

/** Peers may have names that UTF-8 cannot write. */
function encodeName(peer: string): string {
  return Buffer.from(peer, "utf16le").toString("hex");
}

/** The index of each mailbox as the last checkpoint has it; undefined for one that is damaged. */
export async function* readIndexes(
  rows: RowTable,
): AsyncIterable<readonly [peer: string, index: EntryIndex | undefined]> {
  for await (const [name, value] of rows.ownRows(INDEX_PREFIX))
    yield [Buffer.from(name, "hex").toString("utf16le"), EntryIndex.unpack(Buffer.from(value))];
}

const POSITION_BYTES = 16;

function encodePosition({ segment, offset, sequence }: Position): Uint8Array {
  const bytes = Buffer.alloc(POSITION_BYTES);
  bytes.writeUInt32LE(segment, 0);
  bytes.writeUInt32LE(offset, 4);
  bytes.writeDoubleLE(sequence, 8);
  return bytes;
}

/** The journal continues here. On disk once resolved. */
export async function writePosition(rows: RowTable, position: Position): Promise<void> {
  await rows.writeOwn([{ key: POSITION_KEY, value: encodePosition(position) }], true);
}

/** Where the journal continues; undefined for a store that was never opened. */
export async function readPosition(rows: RowTable): Promise<Position | undefined> {
  const value = await rows.own(POSITION_KEY);
  if (value === undefined) return undefined;
  const bytes = Buffer.from(value);
  return {
    segment: bytes.readUInt32LE(0),
    offset: bytes.readUInt32LE(4),
    sequence: bytes.readDoubleLE(8),
  };
}
