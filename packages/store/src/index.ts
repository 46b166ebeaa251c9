export type { Begun, InboxState, InboxStore, Recorded } from "./inbox-store.js";
export {
  DEFAULT_MAILBOX_LIMITS,
  type Append,
  type Appended,
  type DeadLetter,
  type DeadLetterReason,
  type LeaseCallbacks,
  type LeaseOptions,
  type MailboxEntry,
  type MailboxLease,
  type MailboxLimits,
  type MailboxStats,
} from "./mailbox.js";
export type { Direction, Page, RetainedState, RetainedStates } from "./retained-state.js";
export type { Store } from "./store.js";
