import { HawserError } from "@hawser/protocol";
import { pendingStates, STATE_CLASSES } from "../commit/mailbox-draft.js";
import type { Tenure } from "../commit/peer-table.js";
import type { Transaction } from "../commit/transaction.js";
import type { ReadPlan, Write } from "../commit/write.js";
import type { Begun, Recorded, RecordResult } from "../contract/inbox.js";
import { encodeEvent } from "../layout/event-text.js";
import { appliedKey, begunKey, pendingStateKey, receivedKey, sentKey } from "../layout/keys.js";
import { decodeApplied, encodeApplied, encodeBegun } from "../layout/rows.js";
import { forgetResource, keepReceived, sentState } from "./retained-rows.js";

/** A batch from a present or former holder of the mailbox. */
export interface InboxBatch<Row> {
  readonly peer: string;
  readonly tenure: Tenure;
  readonly batch: readonly Row[];
}

/** Handlers are about to run. Not synced: its loss only costs a wrong attempt number. */
export function begin({ peer, tenure, batch }: InboxBatch<Begun>, maxPeers: number): Write<void> {
  return {
    sync: false,
    apply(tx) {
      assertOurs(tx, peer, tenure);
      const meta = tx.inboxOrNew(peer, maxPeers);
      // At the limit of peers the attempts are not written, which only makes their numbers wrong.
      if (meta === undefined) return () => {};
      let highest = 0;
      for (const { resourceid, version, attempt, peerStore } of batch) {
        if (!isOfPeer(tx, peer, peerStore)) continue;
        tx.put(begunKey(peer, resourceid), encodeBegun(version, attempt));
        highest = Math.max(highest, version);
      }
      if (highest > meta.highest) tx.setInbox(peer, { ...meta, highest });
      return () => {};
    },
  };
}

type Retain =
  | { readonly kind: "nothing" }
  /** `ifSent` without a subject: nothing is written. */
  | { readonly kind: "never" }
  | { readonly kind: "keep"; readonly subject: string; readonly text: string; readonly ifSent: boolean }
  | { readonly kind: "forget"; readonly subject: string };

interface Prepared extends Omit<Recorded, "retain"> {
  readonly retain: Retain;
}

/**
 * Events were applied.
 *
 * @throws HawserError `invalid_event` when an event to keep cannot be written
 */
export function record({ peer, tenure, batch }: InboxBatch<Recorded>, maxPeers: number): Write<RecordResult> {
  const rows = batch.map((row): Prepared => ({ ...row, retain: prepare(row.retain) }));
  return {
    sync: true,
    reads: (plan) => planReads(plan, peer, rows),
    async apply(tx) {
      assertOurs(tx, peer, tenure);
      const meta = tx.inboxOrNew(peer, maxPeers);
      if (meta === undefined) {
        const message = `no inbox for ${peer}: the store holds ${maxPeers}, its limit (maxPeers)`;
        throw new HawserError("store_full", message, { agent: peer });
      }
      let { highest, recorded } = meta;
      const discarded: number[] = [];
      for (const [place, row] of rows.entries()) {
        if (!isOfPeer(tx, peer, row.peerStore)) continue;
        const keeping = isKept(tx, peer, row);
        if (!(typeof keeping === "boolean" ? keeping : await keeping)) {
          discarded.push(place);
          continue;
        }
        highest = Math.max(highest, row.version);
        recorded += 1;
        await apply(tx, peer, meta.incarnation, row);
      }
      if (recorded > meta.recorded) tx.setInbox(peer, { ...meta, highest, recorded });
      return () => ({ recorded, discarded });
    },
  };
}

function prepare(retain: Recorded["retain"]): Retain {
  if (retain === undefined) return { kind: "nothing" };
  if ("forget" in retain) return { kind: "forget", subject: retain.forget };
  const { keep, ifSent = false } = retain;
  if (keep.subject === undefined) return { kind: ifSent ? "never" : "nothing" };
  return { kind: "keep", subject: keep.subject, text: encodeEvent(keep).text, ifSent };
}

function planReads(plan: ReadPlan, peer: string, rows: readonly Prepared[]): void {
  for (const { resourceid, retain } of rows) {
    if (retain.kind === "never") continue;
    plan.keys.add(appliedKey(peer, resourceid));
    if (retain.kind === "nothing") continue;
    plan.keys.add(receivedKey(peer, retain.subject));
    if (retain.kind === "forget" || retain.ifSent) plan.keys.add(sentKey(peer, retain.subject));
    if (retain.kind === "keep") continue;
    for (const kind of STATE_CLASSES) plan.keys.add(pendingStateKey(peer, resourceid, kind));
  }
}

function isKept(tx: Transaction, peer: string, { resourceid, retain }: Prepared): boolean | Promise<boolean> {
  if (retain.kind !== "keep" || !retain.ifSent) return retain.kind !== "never";
  return sentState(tx, peer, retain.subject).then((sent) => sent?.event.resourceid === resourceid);
}

async function apply(
  tx: Transaction,
  peer: string,
  incarnation: number,
  { resourceid, version, retain }: Prepared,
): Promise<void> {
  const key = appliedKey(peer, resourceid);
  const read = tx.get(key);
  const row = read instanceof Promise ? await read : read;
  // A handler of a session that was taken over may end after a newer version was recorded.
  if (row === undefined || decodeApplied(row, key) < version) tx.put(key, encodeApplied(version));
  if (retain.kind === "keep") {
    await keepReceived(tx, peer, incarnation, version, retain.subject, retain.text);
  } else if (retain.kind === "forget") {
    await forgetResource(tx, peer, retain.subject, resourceid);
    for (const entry of await pendingStates(tx, peer, resourceid)) tx.mailboxOf(peer)?.removePending(entry);
  }
}

/** @throws HawserError `superseded` after a claim of another client, or the removal of the peer */
function assertOurs(tx: Transaction, peer: string, tenure: Tenure): void {
  tx.assertStays(peer);
  const claimedBy = tx.mailboxOf(peer)?.claimedBy ?? tenure.client;
  if (tx.tenure(peer) === tenure && claimedBy === tenure.client) return;
  const message = `the mailbox of ${peer} was claimed by another client, or removed, since`;
  throw new HawserError("superseded", message, { agent: peer });
}

/** Versions of another store than the one the mailbox was last opened for name other events. */
function isOfPeer(tx: Transaction, peer: string, peerStore: string | undefined): boolean {
  return peerStore === undefined || tx.mailboxOf(peer)?.counters.peerStore === peerStore;
}
