import { existsSync } from "node:fs";
import { join } from "node:path";
import { HawserError } from "@hawser/protocol";
import type { Changes, Disk, Entry, EntryName, EntryRange, KeyRange, OpenDisk, Row } from "@hawser/store";
import { Checkpoints, readIndexes, readPosition, writePosition } from "./checkpoints.js";
import { Entries } from "./entries.js";
import { explainError, namedError } from "./explain-error.js";
import { hasRoomToReopen } from "./free-space.js";
import { Journal } from "./journal.js";
import { BEGINNING, replay, type Replayed } from "./replay.js";
import { RowTable } from "./row-table.js";
import { SegmentFiles } from "./segment-files.js";

/**
 * A segment takes no more records once it has as many bytes. Then a checkpoint is written, so this
 * also bounds what a start has to read, and what of rows is kept in memory.
 */
export const DEFAULT_SEGMENT_BYTES = 16_777_216;

const ROWS = "rows";
const SEGMENTS = "journal";

/** Where in the directory of a store its rows lie. */
export function rowsDirectory(directory: string): string {
  return join(directory, ROWS);
}

/**
 * A directory as the disk of a store: a journal of commits, and LevelDB for the rows of its
 * checkpoints. The directory is created if it is missing. One process at a time: `open` rejects
 * with `store_unavailable` while another has it.
 *
 * @param segmentBytes @default DEFAULT_SEGMENT_BYTES
 */
export function createJournalDisk(directory: string, segmentBytes = DEFAULT_SEGMENT_BYTES): Disk {
  return {
    async open() {
      if (existsSync(join(directory, "CURRENT"))) throw ofEarlierVersion(directory);
      try {
        return await openJournal(directory, segmentBytes);
      } catch (thrown) {
        throw namedError(thrown, directory);
      }
    },
    hasRoom: () => hasRoomToReopen(rowsDirectory(directory)),
    explain: (thrown) => explainError(thrown, directory),
  };
}

function ofEarlierVersion(directory: string): HawserError {
  return new HawserError(
    "store_corrupt",
    `the store in ${directory} was written by an earlier version, which this one does not read; move it away and start with an empty one, then apply the manifests again`,
  );
}

async function openJournal(directory: string, segmentBytes: number): Promise<OpenDisk> {
  const files = new SegmentFiles(join(directory, SEGMENTS));
  await files.prepare();
  // It keeps other processes out.
  const rows = await RowTable.open(rowsDirectory(directory));
  try {
    const entries = new Entries(files);
    for await (const [peer, index] of readIndexes(rows)) {
      if (index === undefined) throw damagedIndex(directory, peer);
      entries.load(peer, index);
    }
    const from = await readPosition(rows);
    const replayed = await replay({ files, rows, entries }, from);
    // From the first segment on there is something to miss.
    if (from === undefined) await writePosition(rows, BEGINNING);
    const covered = from?.segment ?? BEGINNING.segment;
    return new JournalHandle({ files, rows, entries, segmentBytes }, replayed, covered);
  } catch (thrown) {
    await rows.close();
    throw thrown;
  }
}

function damagedIndex(directory: string, peer: string): HawserError {
  return new HawserError(
    "store_corrupt",
    `the index of the mailbox of ${peer} in ${directory} is damaged; move the store away and start with an empty one, then apply the manifests again (or put a backup there and run hawser adopt on it)`,
    { agent: peer },
  );
}

interface HandleParts {
  readonly files: SegmentFiles;
  readonly rows: RowTable;
  readonly entries: Entries;
  readonly segmentBytes: number;
}

class JournalHandle implements OpenDisk {
  readonly #rows: RowTable;
  readonly #entries: Entries;
  readonly #journal: Journal;
  readonly #checkpoints: Checkpoints;
  #closed: Promise<void> | undefined;

  constructor(parts: HandleParts, { file, position, sealed }: Replayed, covered: number) {
    this.#rows = parts.rows;
    this.#entries = parts.entries;
    const onSegment = (former: number, size: number): Promise<void> =>
      this.#checkpoints.segmentBegan(former, size);
    this.#journal = new Journal({ ...parts, onSegment }, file, position);
    this.#checkpoints = new Checkpoints({ ...parts, journal: this.#journal }, sealed, covered);
  }

  get(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.#rows.get(keys);
  }

  range(range: KeyRange): Promise<readonly Row[]> {
    return this.#rows.range(range);
  }

  getEntries(wanted: readonly EntryName[]): Promise<readonly (string | undefined)[]> {
    return this.#entries.get(wanted);
  }

  async hasEntries(wanted: readonly EntryName[]): Promise<readonly boolean[]> {
    return wanted.map((name) => this.#entries.has(name));
  }

  rangeEntries(range: EntryRange): Promise<readonly Entry[]> {
    return this.#entries.range(range);
  }

  entryCounts(): ReadonlyMap<string, number> {
    return this.#entries.counts();
  }

  write(changes: Changes, sync: boolean): Promise<void> {
    return this.#journal.write(changes, sync);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#checkpoints.idle();
    try {
      // So that the next start has little to read. A failure loses nothing: the journal has it all.
      if (!this.#journal.failed) await this.#journal.inTurn(() => this.#checkpoints.last()).catch(() => {});
    } finally {
      await this.#journal.close();
      await this.#rows.close();
    }
  }
}
