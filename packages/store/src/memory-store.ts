import { createDiskStore, type DiskStoreOptions } from "./disk-store.js";
import { createMemoryDisk, type MemoryDisk } from "./disk/memory-disk.js";
import type { Store } from "./contract/store.js";

/** What `createMemoryStore` takes besides what every store on a disk does. */
export interface MemoryStoreOptions extends DiskStoreOptions {
  /** The contents; share it to see them again after a simulated crash. @default a new one */
  readonly disk?: MemoryDisk;
}

/**
 * A store in memory with the semantics of a durable one: for tests, simulations and agents that may
 * forget. Its contents survive `stop` and `start`, not the process. It takes no timers, so that a
 * run under virtual time is repeatable.
 *
 * @throws HawserError `invalid_config` for limits that are not positive integers
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const { disk = createMemoryDisk(), ...rest } = options;
  return createDiskStore(disk.attach(), rest);
}
