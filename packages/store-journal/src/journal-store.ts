import { createDiskStore, type DiskStoreOptions, type Store } from "@hawser/store";
import { createJournalDisk } from "./journal-disk.js";

/** What `createJournalStore` needs besides what every store on a disk takes. */
export interface JournalStoreOptions extends DiskStoreOptions {
  /**
   * Where the contents live: a directory of its own, made if missing, on a local disk. One process
   * uses it at a time.
   */
  readonly directory: string;
}

/**
 * The durable store of one machine: what it accepted is on disk and survives SIGKILL and power
 * loss.
 *
 * `start` rejects with `store_unavailable` (another process uses the directory, or it cannot be
 * written to), `store_full` or `store_corrupt`; the message says what to do.
 *
 * @throws HawserError `invalid_config` for limits that are not positive integers
 */
export function createJournalStore(options: JournalStoreOptions): Store {
  const { directory, ...rest } = options;
  return createDiskStore(createJournalDisk(directory), rest);
}
