import type { Findings } from "../findings.js";
import type { Fact, Ledger, Mailbox } from "../ledger.js";
import type { Welcomes } from "./welcomes.js";

/** What a wire checker needs to know of the end it watches. */
export interface WatchedEnd {
  readonly side: "agent" | "principal";
  /** The machine. */
  readonly name: string;
  readonly ledger: Ledger;
  readonly findings: Findings;
  /** Name of this end's store. */
  readonly store: string;
  /** When a synced write of this end last reached its disk, in `Ledger.tick`. */
  readonly syncedAt: () => number;
  readonly now: () => number;
  /** Of this end's host, Unix milliseconds. */
  readonly wallTime: () => number;
  /** No event is sent again, or given up for a newer one, sooner after it was sent. */
  readonly minResendMs: number;
  /** Nothing may be sent a second time, in any session. */
  readonly sendsOnce: boolean;
  readonly welcomes: Welcomes;
  /**
   * After so long, in virtual milliseconds, this end has heard of everything that happened to its mailboxes elsewhere, or has let them go. 0 where it has its store to itself.
   */
  readonly hearsWithinMs: number;
  /** So long after an ACK, in virtual milliseconds, nobody sends the event again. An agent that goes to another principal right behind its ACK may be faster than the store. */
  readonly settlesWithinMs: number;
  /** Whether each ACK of a command is held against what the disk has of it, and not only against when the disk was written. */
  readonly readsRecords: boolean;
  /** Learns of dead letters whose news was lost with a session. */
  readonly learnDeadLetters: (mailbox: Mailbox) => Promise<void>;
  /** Learns what this end has recorded of the other's events. */
  readonly learnRecords: (mailbox: Mailbox) => Promise<boolean>;
  /** An event that no publisher was told of is seen for the first time. */
  readonly unannounced: (mailbox: Mailbox, fact: Fact) => void;
}
