import { entriesAsRows, type Changes, type Disk, type KeyRange, type OpenRows, type Row } from "@hawser/store";
import { ClassicLevel } from "classic-level";
import { hasRoomToReopen } from "./free-space.js";
import { explainLevelError, levelError } from "./level-errors.js";

/**
 * How LevelDB is set up. Larger write buffers and files were measured and gained nothing (README, Tuning), so memory decides: table files are mapped
 * while they are open, and what was read of them counts as resident.
 */
const LEVEL_OPTIONS = {
  writeBufferSize: 4 * 1024 * 1024,
  cacheSize: 8 * 1024 * 1024,
  // Events of one mailbox resemble each other: four times the usual block compresses better, so compaction moves less.
  blockSize: 16 * 1024,
  maxFileSize: 2 * 1024 * 1024,
  maxOpenFiles: 64,
  compression: true,
} as const;

const ROWS_AT_ONCE = 1_000;

/**
 * A directory of LevelDB as the disk of a store. The directory is created if it is not there.
 *
 * LevelDB lets one process in at a time: `open` rejects with `store_unavailable` while another has it.
 */
export function createLevelDisk(directory: string): Disk {
  return entriesAsRows({
    async open() {
      const database = new ClassicLevel(directory, LEVEL_OPTIONS);
      try {
        await database.open();
      } catch (thrown) {
        await database.close().catch(() => {});
        throw levelError(thrown, directory);
      }
      return new LevelHandle(database);
    },
    hasRoom: () => hasRoomToReopen(directory),
    explain: (thrown) => explainLevelError(thrown, directory),
  });
}

/** The first rows, up to the one that brings the lengths of their values to `maxLength`. */
async function upTo(
  iterator: { nextv(size: number): Promise<(readonly [string, string])[]>; close(): Promise<void> },
  maxLength: number,
): Promise<readonly Row[]> {
  const taken: Row[] = [];
  let length = 0;
  try {
    for (;;) {
      // LevelDB's binding hands over about 16 KiB at once, or one row where that is larger.
      const rows = await iterator.nextv(ROWS_AT_ONCE);
      for (const row of rows) {
        taken.push(row);
        length += row[1].length;
        if (length >= maxLength) return taken;
      }
      if (rows.length === 0) return taken;
    }
  } finally {
    await iterator.close();
  }
}

class LevelHandle implements OpenRows {
  readonly #database: ClassicLevel;

  constructor(database: ClassicLevel) {
    this.#database = database;
  }

  async get(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.#database.getMany([...keys]);
  }

  async range({ from, before, limit, maxLength, keysOnly }: KeyRange): Promise<readonly Row[]> {
    const range = { gte: from, lt: before, limit };
    if (keysOnly === true) return (await this.#database.keys(range).all()).map((key) => [key, ""]);
    const rows = this.#database.iterator(range);
    return maxLength === undefined || maxLength === Number.POSITIVE_INFINITY
      ? rows.all()
      : upTo(rows, maxLength);
  }

  async write(changes: Changes["rows"], sync: boolean): Promise<void> {
    // A chained batch hands each row straight to LevelDB's own; an array of operations costs three times as much (README, Tuning).
    const batch = this.#database.batch();
    for (const [key, value] of changes) {
      if (value === undefined) batch.del(key);
      else batch.put(key, value);
    }
    await batch.write({ sync });
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}
