import { eventClass, formatVersion, HawserError, type HawserEvent } from "@hawser/protocol";
import {
  pendingEntry,
  pendingStates,
  supersededClasses,
  type PendingEntry,
} from "../commit/mailbox-draft.js";
import type { Transaction } from "../commit/transaction.js";
import type { Write } from "../commit/write.js";
import type { Appended, DeadLetter, DeadLetterReason } from "../contract/mailbox.js";
import { encodeEvent, identify } from "../layout/event-text.js";
import { deadLetterKey } from "../layout/keys.js";
import { decodeDeadLetter } from "../layout/rows.js";
import { notWritten, refused } from "./append.js";
import { givingUp, sentState } from "./retained-rows.js";

/** Moves an entry to the dead letters. False where it is not pending, or was claimed since. */
export function deadLetter(
  peer: string,
  epoch: number,
  version: number,
  reason: DeadLetterReason,
): Write<boolean> {
  return {
    sync: true,
    reads: (plan) => void plan.entries.push({ peer, version }),
    async apply(tx) {
      const entry = await pendingEntry(tx, peer, version);
      const mailbox = tx.mailboxOf(peer);
      if (entry === undefined || mailbox?.counters.epoch !== epoch) return () => false;
      mailbox.toDeadLetter(entry, entry.text, reason);
      return () => true;
    },
  };
}

/** Discards a dead letter. It was settled before, so the lease holder is not notified. */
export function discard(peer: string, version: number): Write<boolean> {
  const key = deadLetterKey(peer, version);
  return {
    sync: true,
    reads: (plan) => void plan.keys.add(key),
    async apply(tx) {
      const value = await tx.get(key);
      const mailbox = tx.mailboxOf(peer);
      if (value === undefined || mailbox === undefined) return () => false;
      const { event, bytes } = decodeDeadLetter(value, version, key);
      const giveUp = await givingUp(tx, peer, identify(version, bytes, event), "discarded");
      giveUp();
      mailbox.dropDeadLetter(version, bytes);
      return () => true;
    },
  };
}

/** Appends a dead letter again, under a new version at the end of its mailbox. */
export function requeue(peer: string, version: number): Write<Appended> {
  const key = deadLetterKey(peer, version);
  const refuse = (code: "not_found" | "conflict", why: string) => (): Appended => {
    const message = `dead letter ${version} of ${peer} is not sent again: ${why}`;
    const error = new HawserError(code, message, { agent: peer, event_id: String(version) });
    return refused("conflict", error);
  };
  return {
    sync: true,
    reads: (plan) => void plan.keys.add(key),
    async apply(tx) {
      tx.assertStays(peer);
      const value = await tx.get(key);
      const mailbox = tx.mailboxOf(peer);
      if (value === undefined || mailbox === undefined) return refuse("not_found", "there is none");
      const letter = decodeDeadLetter(value, version, key);
      const { resourceid, type } = letter.event;
      const superseded = await pendingStates(tx, peer, resourceid, supersededClasses(eventClass(type)));
      const objection = await newerThan(tx, peer, letter, superseded);
      if (objection !== undefined) return refuse("conflict", objection);
      const next = mailbox.counters.lastVersion + 1;
      const encoded = encodeEvent({ ...sentAgain(letter), eventid: formatVersion(next) });

      mailbox.dropDeadLetter(version, letter.bytes);
      for (const entry of superseded) mailbox.removePending(entry);
      mailbox.append(next, encoded);
      return () => ({ ok: true, version: next, duplicate: false });
    },
    failed: notWritten,
  };
}

/** Why sending this one again would undo a newer state; undefined when it would not. */
async function newerThan(
  tx: Transaction,
  peer: string,
  { event, version }: DeadLetter,
  superseded: readonly PendingEntry[],
): Promise<string | undefined> {
  const { subject } = event;
  const isState = eventClass(event.type) !== "command" && subject !== undefined;
  const sent = isState ? await sentState(tx, peer, subject) : undefined;
  const newer = Math.max(sent?.version ?? 0, ...superseded.map((entry) => entry.version));
  if (newer > version) return `version ${newer} of the same state is newer`;
  // The newest state of a subject is retained, refused or not, until a delete is acknowledged.
  return isState && sent === undefined ? "its resource was deleted since" : undefined;
}

/** Drops the `expirytime` of an expired event, or it would expire at once. */
function sentAgain({ event, reason }: DeadLetter): HawserEvent {
  if (reason.code !== "expired") return event;
  const { expirytime: _, ...lasting } = event;
  return lasting;
}
