import type {
  Changes,
  Disk,
  DiskFailure,
  Entry,
  EntryName,
  EntryRange,
  KeyRange,
  OpenDisk,
  Row,
} from "./disk.js";
import { peerRange, pendingKey } from "../layout/keys.js";
import { versionOfKey } from "../layout/rows.js";

/** An ordered map from text to text with atomic batches, in use. */
export interface OpenRows {
  /** As `OpenDisk.get`. */
  get(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** As `OpenDisk.range`. */
  range(range: KeyRange): Promise<readonly Row[]>;
  /** As `OpenDisk.write`, for rows alone. */
  write(rows: Changes["rows"], sync: boolean): Promise<void>;
  /** As `OpenDisk.close`. */
  close(): Promise<void>;
}

/** An engine that knows rows and nothing else. */
export interface RowsOnly {
  /** As `Disk.open`. */
  open(): Promise<OpenRows>;
  /** As `Disk.hasRoom`. */
  hasRoom?(): Promise<boolean>;
  /** As `Disk.explain`. */
  explain(thrown: unknown): DiskFailure;
}

/** A disk on an engine that knows rows alone: an entry is the row of its peer and version. */
export function entriesAsRows(engine: RowsOnly): Disk {
  const { hasRoom } = engine;
  return {
    open: async () => new EntriesAsRows(await engine.open()),
    ...(hasRoom === undefined ? {} : { hasRoom: () => hasRoom.call(engine) }),
    explain: (thrown) => engine.explain(thrown),
  };
}

class EntriesAsRows implements OpenDisk {
  readonly #rows: OpenRows;

  constructor(rows: OpenRows) {
    this.#rows = rows;
  }

  get(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.#rows.get(keys);
  }

  range(range: KeyRange): Promise<readonly Row[]> {
    return this.#rows.range(range);
  }

  getEntries(wanted: readonly EntryName[]): Promise<readonly (string | undefined)[]> {
    return this.#rows.get(wanted.map(({ peer, version }) => pendingKey(peer, version)));
  }

  async hasEntries(wanted: readonly EntryName[]): Promise<readonly boolean[]> {
    return (await this.getEntries(wanted)).map((text) => text !== undefined);
  }

  async rangeEntries({ peer, after, limit, maxLength }: EntryRange): Promise<readonly Entry[]> {
    const range = peerRange("pending", peer, limit, pendingKey(peer, after));
    const rows = await this.#rows.range(maxLength === undefined ? range : { ...range, maxLength });
    return rows.map(([key, text]) => ({ version: versionOfKey(key), text }));
  }

  write({ rows, entries }: Changes, sync: boolean): Promise<void> {
    const all = new Map(rows);
    for (const [peer, changed] of entries)
      for (const [version, text] of changed) all.set(pendingKey(peer, version), text);
    return this.#rows.write(all, sync);
  }

  close(): Promise<void> {
    return this.#rows.close();
  }
}
