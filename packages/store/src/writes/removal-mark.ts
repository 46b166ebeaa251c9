import { HawserError } from "@hawser/protocol";
import type { Transaction } from "../commit/transaction.js";

/**
 * Refuses what would be lost with the rest.
 *
 * @throws HawserError `store_unavailable` while the mailbox of `peer` is being removed
 */
export function assertStays(tx: Transaction, peer: string): void {
  if (tx.mailbox(peer)?.removing !== true) return;
  const message = `the mailbox of ${peer} is being removed; try again when it is gone`;
  throw new HawserError("store_unavailable", message, { agent: peer });
}
