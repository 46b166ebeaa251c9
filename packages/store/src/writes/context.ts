import type { MailboxLimits } from "../contract/limits.js";
import type { Acknowledgements } from "../mailbox/acknowledgements.js";
import type { LeaseTable } from "../mailbox/lease-table.js";
import type { IdempotencyRing } from "./idempotency-ring.js";
import type { InboxSweeper } from "./inbox-sweeper.js";

/** The parts of a store that its writes use. */
export interface WriteContext {
  readonly limits: MailboxLimits;
  readonly leases: LeaseTable;
  readonly acknowledgements: Acknowledgements;
  readonly sweeper: InboxSweeper;
  readonly ring: IdempotencyRing;
}
