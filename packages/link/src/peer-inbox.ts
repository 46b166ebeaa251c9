import type { Begun, InboxState, Recorded } from "@hawser/store";
import type { ReplySink } from "./event-answers.js";

/** The inbox of one peer, as the store keeps it. */
export interface PeerInbox {
  /** Keeps the mailbox of the peer, and with it the inbox, until `release`. */
  use(): { release(): void };
  /** Written before a handler runs, so that the attempt is known after a crash of the process. */
  begin(batch: readonly Begun[]): Promise<void>;
  /** Durable when resolved: an ACK may follow. */
  record(batch: readonly Recorded[]): Promise<void>;
  /** The peer will never again send anything up to `version`. */
  settle(version: number): void;
}

/** What a receiver is given for a session with its peer. */
export interface ReceiverSession {
  /** Name of the peer's store. */
  readonly peerStore: string;
  /** Where is written what is received from here on; also by handlers that were begun in an earlier session. */
  readonly inbox: PeerInbox;
  /** What is in there. Needed where `Receiver.isLoaded` is false, otherwise what the receiver remembers counts. */
  readonly state: InboxState | undefined;
  /** Where answers go until the next session, or `detach`. */
  readonly sink: ReplySink;
}
