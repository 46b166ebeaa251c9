import type { Changes, Disk, DiskFailure, KeyRange, OpenDisk, Row } from "./disk.js";
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
    open: async () => withEntries(await engine.open()),
    ...(hasRoom === undefined ? {} : { hasRoom: () => hasRoom.call(engine) }),
    explain: (thrown) => engine.explain(thrown),
  };
}

function withEntries(engine: OpenRows): OpenDisk {
  const getEntries: OpenDisk["getEntries"] = (wanted) =>
    engine.get(wanted.map(({ peer, version }) => pendingKey(peer, version)));
  return {
    get: (keys) => engine.get(keys),
    range: (range) => engine.range(range),
    close: () => engine.close(),
    getEntries,
    hasEntries: async (wanted) => (await getEntries(wanted)).map((text) => text !== undefined),
    async rangeEntries({ peer, after, limit, maxLength }) {
      const range = peerRange("pending", peer, limit, pendingKey(peer, after));
      const rows = await engine.range(maxLength === undefined ? range : { ...range, maxLength });
      return rows.map(([key, text]) => ({ version: versionOfKey(key), text }));
    },
    write({ rows, entries }, sync) {
      const all = new Map(rows);
      for (const [peer, changed] of entries)
        for (const [version, text] of changed) all.set(pendingKey(peer, version), text);
      return engine.write(all, sync);
    },
  };
}
