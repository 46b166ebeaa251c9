import type { ChangeSet } from "../commit/change-set.js";
import type { GivenUp } from "../contract/retained.js";
import { decodeEvent, type EntryIdentity } from "../layout/event-text.js";
import { receivedKey, sentKey } from "../layout/keys.js";
import { decodeReceived, decodeSent, encodeReceived, encodeSent, type SentRow } from "../layout/rows.js";

/** The newest state sent about a subject. */
export async function sentState(
  tx: ChangeSet,
  peer: string,
  subject: string,
): Promise<(SentRow & { readonly version: number }) | undefined> {
  const key = sentKey(peer, subject);
  const value = await tx.get(key);
  if (value === undefined) return undefined;
  const row = decodeSent(value, key);
  return { ...row, version: Number(row.event.eventid) };
}

/**
 * The event will not be sent any more. A spec or status stays what the peer should have, and is
 * marked. A delete takes its resource along, as nobody could ask for it again.
 *
 * @returns what makes the change; before, there are reads only
 */
export async function givingUp(
  tx: ChangeSet,
  peer: string,
  entry: EntryIdentity,
  how: GivenUp,
): Promise<() => void> {
  const { subject, version, eventClass: kind } = entry;
  if (subject === undefined || kind === "command") return () => {};
  if (kind === "delete") return forgetDeleted(tx, peer, entry);
  const sent = await sentState(tx, peer, subject);
  if (sent?.version !== version) return () => {};
  return () => tx.put(sentKey(peer, subject), encodeSent(sent.text, how));
}

/**
 * Nothing is kept of the resource of a delete. State of a new resource under the old name stays.
 *
 * @returns what makes the change; before, there are reads only
 */
export async function forgetDeleted(
  tx: ChangeSet,
  peer: string,
  { resourceid, version, subject }: EntryIdentity,
): Promise<() => void> {
  if (subject === undefined) return () => {};
  const sent = await sentState(tx, peer, subject);
  const received = await isReceived(tx, peer, subject, resourceid);
  return () => {
    if (received) tx.remove(receivedKey(peer, subject));
    if (sent?.event.resourceid === resourceid && sent.version <= version) tx.remove(sentKey(peer, subject));
  };
}

/** The peer deleted the resource: nothing is kept of it in either direction. */
export async function forgetResource(
  tx: ChangeSet,
  peer: string,
  subject: string,
  resourceid: string,
): Promise<void> {
  const received = await isReceived(tx, peer, subject, resourceid);
  const sent = await sentState(tx, peer, subject);
  if (received) tx.remove(receivedKey(peer, subject));
  if (sent?.event.resourceid === resourceid) tx.remove(sentKey(peer, subject));
}

async function isReceived(
  tx: ChangeSet,
  peer: string,
  subject: string,
  resourceid: string,
): Promise<boolean> {
  const key = receivedKey(peer, subject);
  const row = await tx.get(key);
  return row !== undefined && decodeEvent(decodeReceived(row, key).text, key).resourceid === resourceid;
}

/** Keeps the event unless a newer one is there: a name can get a new resource. */
export async function keepReceived(
  tx: ChangeSet,
  peer: string,
  incarnation: number,
  version: number,
  subject: string,
  text: string,
): Promise<void> {
  const key = receivedKey(peer, subject);
  const row = await tx.get(key);
  const kept = row === undefined ? undefined : decodeReceived(row, key);
  if (kept?.incarnation === incarnation && kept.version > version) return;
  tx.put(key, encodeReceived({ incarnation, version, text }));
}
