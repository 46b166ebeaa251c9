import type { Findings } from "../findings.js";
import type { Fact, Ledger, Mailbox } from "../ledger.js";

/** What a wire checker needs to know of the end it watches. */
export interface WatchedEnd {
  readonly side: "agent" | "principal";
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
  /** Sessions of an agent by their epoch: the highest seen in each store of the principal. */
  readonly epochs: Map<string, number>;
  /** Learns of dead letters whose news was lost with a session. */
  readonly learnDeadLetters: (mailbox: Mailbox) => Promise<void>;
  /** Learns what this end has recorded of the other's events. */
  readonly learnRecords: (mailbox: Mailbox) => Promise<boolean>;
  /** An event that no publisher was told of is seen for the first time. */
  readonly unannounced: (mailbox: Mailbox, fact: Fact) => void;
}
