export { appendOne } from "./append-one.js";
export { adoptRolledBackStore } from "./adopt-older-copy.js";
export { createDiskStore, type DiskStoreOptions } from "./disk-store.js";
export { changedRows } from "./disk.js";
export type {
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
export { entriesAsRows, type OpenRows, type RowsOnly } from "./entries-as-rows.js";
export type { Begun, InboxState, Recorded, RecordResult } from "./inbox.js";
export { resolveMailboxLimits } from "./mailbox-limits.js";
export {
  DEFAULT_MAILBOX_LIMITS,
  type Append,
  type Appended,
  type Claim,
  type DeadLetter,
  type DeadLetterReason,
  type Found,
  type LeaseCallbacks,
  type LeaseLoss,
  type LeaseOptions,
  type MailboxEntry,
  type MailboxLease,
  type MailboxLimits,
  type MailboxStats,
  type PurgedEntry,
} from "./mailbox.js";
export { createMemoryDisk, type MemoryDisk } from "./memory-disk.js";
export { createMemoryStore, type MemoryStoreOptions } from "./memory-store.js";
export type { Direction, GivenUp, Page, RetainedState, RetainedStates } from "./retained-state.js";
export type { Standing } from "./rollback.js";
export type { Purged, PurgeOptions, Removal, RemoveOptions, Store, StoreUse } from "./store.js";
export type {
  Holder,
  Member,
  PeerQuery,
  PeerView,
  StoreStatus,
  StoreTotals,
  StoreWatcher,
} from "./store-views.js";
export {
  createSharedMemoryEngine,
  type SharedClientOptions,
  type SharedMemoryClient,
  type SharedMemoryEngine,
  type SharedMemoryOptions,
} from "./shared/shared-memory-engine.js";
export { agentRemoved, type Tombstone } from "./tombstone.js";
