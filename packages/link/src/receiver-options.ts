import type { MailboxLease } from "@hawser/store";
import type { ReplySink } from "./event-answers.js";

/** What a receiver needs of the lease of its peer's mailbox. */
export type ReceiverLease = Pick<
  MailboxLease,
  "begin" | "continues" | "inbox" | "record" | "settle" | "standing" | "use"
>;

/** What a receiver is given for a session with its peer. */
export interface ReceiverSession {
  /** Name of the peer's store. */
  readonly peerStore: string;
  /** Where is written what is received from here on; also by handlers that were begun in an earlier session. */
  readonly lease: ReceiverLease;
  /** Where answers go until the next session, or `detach`. */
  readonly sink: ReplySink;
}
