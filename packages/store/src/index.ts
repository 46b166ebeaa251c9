export { adoptRolledBackStore } from "./layout/adopt.js";
export { createDiskStore, type DiskStoreOptions } from "./disk-store.js";
export { changedRows } from "./disk/disk.js";
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
} from "./disk/disk.js";
export { entriesAsRows, type OpenRows, type RowsOnly } from "./disk/entries-as-rows.js";
export type { Begun, InboxState, Recorded, RecordResult } from "./contract/inbox.js";
export { DEFAULT_MAILBOX_LIMITS, resolveMailboxLimits, type MailboxLimits } from "./contract/limits.js";
export type {
  Append,
  Appended,
  Claim,
  DeadLetter,
  DeadLetterReason,
  Found,
  LeaseCallbacks,
  LeaseLoss,
  LeaseOptions,
  MailboxEntry,
  MailboxLease,
  MailboxStats,
  PurgedEntry,
} from "./contract/mailbox.js";
export { createMemoryDisk, type MemoryDisk } from "./disk/memory-disk.js";
export { createMemoryStore, type MemoryStoreOptions } from "./memory-store.js";
export type { Direction, GivenUp, Page, RetainedState, RetainedStates } from "./contract/retained.js";
export type { Standing } from "./contract/rollback.js";
export {
  appendOne,
  type Purged,
  type PurgeOptions,
  type Removal,
  type RemoveOptions,
  type Store,
  type StoreUse,
} from "./contract/store.js";
export type {
  Holder,
  Member,
  PeerQuery,
  PeerView,
  StoreStatus,
  StoreTotals,
  StoreWatcher,
} from "./contract/views.js";
export type { SharedClientTiming } from "./shared/conversation.js";
export {
  createSharedMemoryEngine,
  type SharedClientOptions,
  type SharedMemoryClient,
  type SharedMemoryEngine,
  type SharedMemoryOptions,
} from "./shared/shared-memory-engine.js";
export { agentRemoved, type Tombstone } from "./contract/tombstone.js";
