import type { KeyRange, Row } from "@hawser/store";
import { ClassicLevel } from "classic-level";
import { RecentRows } from "./recent-rows.js";

/** How LevelDB is set up (README, Tuning). */
const LEVEL_OPTIONS = {
  writeBufferSize: 4 * 1024 * 1024,
  cacheSize: 8 * 1024 * 1024,
  // Rows of one peer are alike: blocks of four times the usual size compress better.
  blockSize: 16 * 1024,
  maxFileSize: 2 * 1024 * 1024,
  // Open tables are mapped into memory, and what was read of them counts as resident.
  maxOpenFiles: 64,
  compression: true,
} as const;

const ROWS_AT_ONCE = 1_000;
/** Keys below this one are the journal's own. */
const FIRST_KEY = "\u0001";
const OWN_PREFIX = "\u0000";

type Snapshot = ReturnType<ClassicLevel["snapshot"]>;

/** A row of the journal's own, with bytes as its value. */
export interface OwnRow {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/**
 * The rows of a store: those of the last checkpoint in LevelDB, and in memory what was written
 * since. While a checkpoint is being written there are two generations in memory, the one it writes
 * and a newer one.
 */
export class RowTable {
  readonly #database: ClassicLevel;
  #recent = new RecentRows();
  #written: RecentRows | undefined;

  private constructor(database: ClassicLevel) {
    this.#database = database;
  }

  static async open(directory: string): Promise<RowTable> {
    const database = new ClassicLevel(directory, LEVEL_OPTIONS);
    try {
      await database.open();
    } catch (thrown) {
      await database.close().catch(() => {});
      throw thrown;
    }
    return new RowTable(database);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  /** Memory that rows take which no checkpoint has. */
  get recentBytes(): number {
    return this.#recent.bytes;
  }

  set(key: string, value: string | undefined): void {
    this.#recent.set(key, value);
  }

  async get(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    const values = keys.map((key) => this.#inMemory(key));
    const missing = keys.filter((_, index) => values[index] === NOT_IN_MEMORY);
    if (missing.length === 0) return values.map(textOf);
    const found = await this.#atOnce((snapshot) => this.#database.getMany(missing, { snapshot }));
    let next = 0;
    return values.map((value) => (value === NOT_IN_MEMORY ? found[next++] : textOf(value)));
  }

  #inMemory(key: string): string | undefined | typeof NOT_IN_MEMORY {
    if (this.#recent.has(key)) return this.#recent.get(key);
    return this.#written?.has(key) === true ? this.#written.get(key) : NOT_IN_MEMORY;
  }

  async range(range: KeyRange): Promise<readonly Row[]> {
    const from = range.from < FIRST_KEY ? FIRST_KEY : range.from;
    const recent = new Map<string, string | undefined>();
    this.#written?.collect({ from, before: range.before }, recent);
    this.#recent.collect({ from, before: range.before }, recent);
    return this.#atOnce((snapshot) => this.#merge({ ...range, from }, recent, snapshot));
  }

  /** Rows of LevelDB, a page at a time, with the newer ones of memory put over them. */
  async #merge(
    range: KeyRange,
    recent: ReadonlyMap<string, string | undefined>,
    snapshot: Snapshot,
  ): Promise<readonly Row[]> {
    const { limit, maxLength = Number.POSITIVE_INFINITY, keysOnly = false } = range;
    const rows: Row[] = [];
    const keys = [...recent.keys()].toSorted();
    let next = 0;
    let length = 0;
    const add = (key: string, value: string | undefined): boolean => {
      if (value !== undefined) rows.push([key, keysOnly ? "" : value]);
      length += keysOnly ? 0 : (value?.length ?? 0);
      return rows.length < limit && length < maxLength;
    };
    const addUpTo = (before: string | undefined): boolean => {
      for (
        let key = keys[next];
        key !== undefined && (before === undefined || key < before);
        key = keys[next]
      ) {
        next++;
        if (!add(key, recent.get(key))) return false;
      }
      return true;
    };
    let { from } = range;
    for (;;) {
      const left = { limit: limit - rows.length, maxLength: maxLength - length };
      const { page, isLast } = await this.#page({ ...range, ...left, from }, snapshot);
      for (const [key, value] of page) {
        if (!addUpTo(key)) return rows;
        if (keys[next] === key) next++;
        if (!add(key, recent.has(key) ? recent.get(key) : value)) return rows;
        from = key + FIRST_AFTER;
      }
      if (isLast) {
        addUpTo(undefined);
        return rows;
      }
    }
  }

  async #page(
    { from, before, limit, maxLength = Number.POSITIVE_INFINITY, keysOnly = false }: KeyRange,
    snapshot: Snapshot,
  ): Promise<{ readonly page: readonly Row[]; readonly isLast: boolean }> {
    const options = { gte: from, lt: before, limit, snapshot };
    if (keysOnly) {
      const page = (await this.#database.keys(options).all()).map((key): Row => [key, ""]);
      return { page, isLast: page.length < limit };
    }
    if (maxLength === Number.POSITIVE_INFINITY) {
      const page = await this.#database.iterator(options).all();
      return { page, isLast: page.length < limit };
    }
    return this.#pageUpTo(options, maxLength);
  }

  async #pageUpTo(
    options: {
      readonly gte: string;
      readonly lt: string;
      readonly limit: number;
      readonly snapshot: Snapshot;
    },
    maxLength: number,
  ): Promise<{ readonly page: readonly Row[]; readonly isLast: boolean }> {
    const iterator = this.#database.iterator(options);
    const page: Row[] = [];
    let length = 0;
    try {
      for (;;) {
        // LevelDB's binding hands over about 16 KiB at once, or one row where that is larger.
        const rows = await iterator.nextv(ROWS_AT_ONCE);
        for (const row of rows) {
          page.push(row);
          length += row[1].length;
          if (length >= maxLength) return { page, isLast: false };
        }
        if (rows.length === 0) return { page, isLast: page.length < options.limit };
      }
    } finally {
      await iterator.close();
    }
  }

  /** Runs `read` on what LevelDB holds now, whatever is written meanwhile. */
  async #atOnce<T>(read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    const snapshot = this.#database.snapshot();
    try {
      return await read(snapshot);
    } finally {
      await snapshot.close();
    }
  }

  /** What is written from here on belongs to the next checkpoint. */
  beginCheckpoint(): void {
    this.#written = this.#recent;
    this.#recent = new RecentRows();
  }

  /** Writes the rows of the checkpoint, in batches. Only `finishCheckpoint` makes them count. */
  async writeCheckpoint(): Promise<void> {
    let batch = this.#database.batch();
    for (const [key, value] of this.#written?.all() ?? []) {
      if (value === undefined) batch.del(key);
      else batch.put(key, value);
      if (batch.length < ROWS_AT_ONCE) continue;
      await batch.write();
      batch = this.#database.batch();
    }
    await batch.write();
  }

  /** The rows of the checkpoint, and all before them, are on disk once resolved. */
  async finishCheckpoint(rows: Iterable<OwnRow>): Promise<void> {
    await this.writeOwn(rows, true);
    this.#written = undefined;
  }

  async writeOwn(rows: Iterable<OwnRow>, sync: boolean): Promise<void> {
    const batch = this.#database.batch();
    for (const { key, value } of rows) {
      if (value === undefined) batch.del(OWN_PREFIX + key);
      else batch.put<string, Uint8Array>(OWN_PREFIX + key, value, { valueEncoding: "view" });
    }
    await batch.write({ sync });
  }

  /** A row of the journal's own. */
  async own(key: string): Promise<Uint8Array | undefined> {
    return this.#database.get<string, Uint8Array>(OWN_PREFIX + key, { valueEncoding: "view" });
  }

  /** The journal's own rows whose keys begin with `prefix`, without it. */
  async *ownRows(prefix: string): AsyncIterable<readonly [key: string, value: Uint8Array]> {
    const from = OWN_PREFIX + prefix;
    const rows = this.#database.iterator<string, Uint8Array>({
      gte: from,
      lt: from + LAST_OWN,
      valueEncoding: "view",
    });
    for await (const [key, value] of rows) yield [key.slice(from.length), value];
  }
}

const NOT_IN_MEMORY = Symbol("not in memory");
/** Makes a key the first one behind it. */
const FIRST_AFTER = "\u0000";
/** Behind every key that begins with the same prefix. */
const LAST_OWN = "\uffff";

function textOf(value: string | undefined | typeof NOT_IN_MEMORY): string | undefined {
  return value === NOT_IN_MEMORY ? undefined : value;
}
