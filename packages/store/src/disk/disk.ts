/**
 * What a store writes to: the pending entries of mailboxes, and an ordered map from text to text
 * for the rest, with atomic batches over both.
 *
 * A new embedded engine needs only the calls of `OpenDisk` (`createDiskStore`); an engine that has
 * only an ordered map takes `entriesAsRows`. Keys hold no code unit above U+E000, so UTF-8 bytes
 * and UTF-16 code units sort the same.
 */
export interface Disk {
  /**
   * Opens the contents, or creates them. Called again after a failed write, once the former handle
   * is closed.
   *
   * @throws HawserError `store_corrupt`, `store_full` or `store_unavailable`, saying what to do
   */
  open(): Promise<OpenDisk>;
  /**
   * Whether enough room is free after `store_full` to open the disk, which may itself have to
   * write. Until then the handle of the failed write stays open for reading. @default only opening
   * tells
   */
  hasRoom?(): Promise<boolean>;
  /** What an error of a write or read means. */
  explain(thrown: unknown): DiskFailure;
}

/** `store_full`: no room. `store_unavailable`: may pass. `store_corrupt`: does not pass. */
export interface DiskFailure {
  readonly code: "store_full" | "store_unavailable" | "store_corrupt";
  readonly message: string;
}

/** A disk in use. */
export interface OpenDisk {
  /** One answer per key, all from one moment. */
  get(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** Rows in key order. */
  range(range: KeyRange): Promise<readonly Row[]>;
  /** The texts of entries, in the order asked for; undefined for each that is not there. */
  getEntries(wanted: readonly EntryName[]): Promise<readonly (string | undefined)[]>;
  /** Whether each is there, without reading it. */
  hasEntries(wanted: readonly EntryName[]): Promise<readonly boolean[]>;
  /** Entries of one mailbox in order of their versions. */
  rangeEntries(range: EntryRange): Promise<readonly Entry[]>;
  /** Entries per mailbox that has any, where the engine knows. Counters that differ show damage. */
  entryCounts?(): ReadonlyMap<string, number>;
  /**
   * All or nothing. `sync` means on disk, together with every earlier write; without it the write
   * survives the process but perhaps not the machine. After a rejection nothing more is written
   * through this handle. Reads continue, and show nothing of the failed write.
   */
  write(changes: Changes, sync: boolean): Promise<void>;
  /** Idempotent. Waits for calls that have begun. */
  close(): Promise<void>;
}

/** One row of a disk. */
export type Row = readonly [key: string, value: string];

/** What one commit changes. */
export interface Changes {
  /** New values by key; undefined removes. */
  readonly rows: ReadonlyMap<string, string | undefined>;
  /** New texts by peer and version; undefined removes. */
  readonly entries: ReadonlyMap<string, ReadonlyMap<number, string | undefined>>;
}

/** A pending event of a mailbox, by its place. */
export interface EntryName {
  readonly peer: string;
  readonly version: number;
}

/** A pending event. Most live for milliseconds, so an engine may keep them apart from rows. */
export interface Entry {
  readonly version: number;
  readonly text: string;
}

/** Which entries to read, in order of their versions. */
export interface EntryRange {
  readonly peer: string;
  /** The version before the first. */
  readonly after: number;
  readonly limit: number;
  /** Ends with the entry that brings the UTF-16 lengths of texts to this. @default Infinity */
  readonly maxLength?: number;
}

/** Which rows to read, in order of their keys. */
export interface KeyRange {
  /** First key, itself included. */
  readonly from: string;
  /** First key that does not belong. */
  readonly before: string;
  readonly limit: number;
  /** Ends with the row that brings the UTF-16 lengths of values to this. @default Infinity */
  readonly maxLength?: number;
  /** Leave values out: each is the empty text. @default false */
  readonly keysOnly?: boolean;
}

/** Changes of rows alone. */
export function changedRows(rows: Changes["rows"]): Changes {
  return { rows, entries: NO_ENTRIES };
}

const NO_ENTRIES: Changes["entries"] = new Map();
