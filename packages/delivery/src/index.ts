export { DeadlineQueue, type Deadline } from "./deadline-queue.js";
export type { Deliverable, SpilledEvent } from "./deliverable.js";
export type { AckResult, NackResult, SetAside, Transmission } from "./event-writer-results.js";
export { EventWriter, type EventWriterOptions } from "./event-writer.js";
export { MAX_KEPT_MESSAGE_LENGTH, type Refused } from "./lane.js";
export type { ResourceTurn } from "./resource-turn.js";
export { DEFAULT_INBOX_BYTES, InboxBudget, MAX_INBOX_BYTES, MIN_INBOX_BYTES } from "./inbox-budget.js";
export { Inbox, MAX_INBOX_ROWS } from "./inbox.js";
export type {
  Arrived,
  Ending,
  Finished,
  InboxLimits,
  InboxSnapshot,
  Received,
  Starting,
} from "./inbox-decisions.js";
export {
  DEFAULT_RESEND_TIMING,
  MIN_RESEND_TIMEOUT_MS,
  resolveResendTiming,
  type ResendTiming,
} from "./resend-timing.js";
export { RtoEstimator, type RtoReading } from "./rto-estimator.js";
