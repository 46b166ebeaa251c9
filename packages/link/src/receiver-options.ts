import type { InboxBudget } from "@hawser/delivery";
import type { HawserEvent } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { MailboxLease } from "@hawser/store";
import type { Delivery, Outcome } from "./delivery.js";
import type { ReplySink } from "./event-answers.js";
import type { LinkObserver } from "./link-observer.js";

/** What a `Receiver` is made of: one for each peer, kept over its sessions. */
export interface ReceiverOptions {
  readonly runtime: Runtime;
  /** Its name, for error messages. */
  readonly peer: string;
  /** Applies one event. A rejection of its promise counts as `retry` with `handler_failed`. */
  readonly apply: (delivery: Delivery) => Promise<Outcome> | Outcome;
  /**
   * Write down that a handler begins before it does, so that the attempt is known after a crash.
   * Off where applying means nothing but recording.
   *
   * @default true for every event
   */
  readonly recordAttempts?: (event: HawserEvent) => boolean;
  readonly observer?: LinkObserver;
  /** The window that its sessions announce, in bytes. @default DEFAULT_WINDOW_BYTES */
  readonly windowBytes?: number;
  /** What is remembered of all peers of this process. @default a budget of its own */
  readonly budget?: InboxBudget;
}

/** What a receiver needs of the lease of its peer's mailbox. */
export type ReceiverLease = Pick<
  MailboxLease,
  "begin" | "continues" | "inbox" | "record" | "settle" | "standing" | "use"
>;

/** What a receiver is given for a session with its peer. */
export interface ReceiverSession {
  /** Name of the peer's store. */
  readonly peerStore: string;
  /** The lease to record with; also for handlers that began in an earlier session. */
  readonly lease: ReceiverLease;
  /** Where answers go until the next session, or `detach`. */
  readonly sink: ReplySink;
}
