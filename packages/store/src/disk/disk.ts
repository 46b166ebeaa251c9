/**
 * What a store writes to: the pending entries of mailboxes, and an ordered map from text to text for all the rest, with atomic batches over both.
 *
 * Everything Hawser means by a mailbox, an inbox and retained state is built over the calls of `OpenDisk` (`createDiskStore`), so a new embedded engine
 * needs only them; one that has nothing but an ordered map takes `entriesAsRows`. Keys hold no code unit above U+E000, which makes the order of UTF-8 bytes
 * and of UTF-16 code units the same.
 */
export interface Disk {
  /**
   * Opens what is there, or begins anew. Called again after a failed write, on the same contents, once the former handle is closed.
   *
   * @throws HawserError `store_corrupt`, `store_full` or `store_unavailable`, saying what to do
   */
  open(): Promise<OpenDisk>;
  /**
   * Whether it is worth trying to write again after `store_full`: enough room is free to open the disk, which may itself have to write. Until it says so, the handle
   * of the failed write stays open for reading. Absent: only opening tells.
   */
  hasRoom?(): Promise<boolean>;
  /** What an error of a write or read means. */
  explain(thrown: unknown): DiskFailure;
}

/** `store_full`: no room. `store_unavailable`: anything that may pass. `store_corrupt`: it will not pass by itself. */
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
  /** How many entries each mailbox has that has any, where the engine knows: counters that say something else tell of damage. */
  entryCounts?(): ReadonlyMap<string, number>;
  /**
   * All of it or nothing. `sync` means on disk, together with every write before it; without, it survives the process but perhaps not the machine.
   * After a rejection nothing more is written through this handle; reads go on, and show nothing of what failed.
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

/** A pending event as it is written. It comes and goes with each event, and most live for milliseconds; so an engine may keep entries apart from rows. */
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
  /** Ends with the entry whose text brings the sum of their lengths, in UTF-16 code units, to this or a little more. @default Infinity */
  readonly maxLength?: number;
}

/** Which rows to read, in order of their keys. */
export interface KeyRange {
  /** First key, itself included. */
  readonly from: string;
  /** First key that does not belong. */
  readonly before: string;
  readonly limit: number;
  /** Ends with the row whose value brings the sum of their lengths, in UTF-16 code units, to this. @default Infinity */
  readonly maxLength?: number;
  /** Leave values out: each is the empty text. @default false */
  readonly keysOnly?: boolean;
}

/** Changes of rows alone. */
export function changedRows(rows: Changes["rows"]): Changes {
  return { rows, entries: NO_ENTRIES };
}

const NO_ENTRIES: Changes["entries"] = new Map();
