/**
 * What a store writes to: an ordered map from text to text with atomic batches.
 *
 * Everything Hawser means by a mailbox, an inbox and retained state is built over these four calls (`createDiskStore`), so a new embedded engine
 * needs only them. Keys hold no code unit above U+E000, which makes the order of UTF-8 bytes and of UTF-16 code units the same.
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

/** New values by key; undefined removes. */
export type Changes = ReadonlyMap<string, string | undefined>;

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
