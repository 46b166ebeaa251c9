import { eventClass, HawserError, supersedes, type HawserEvent } from "@hawser/protocol";
import { STATE_CLASSES, type MailboxDraft } from "../commit/mailbox-draft.js";
import type { StoreClient } from "../commit/peer-table.js";
import type { Transaction } from "../commit/transaction.js";
import type { Write } from "../commit/write.js";
import type { Claim, Found, LeaseOptions, MailboxLease } from "../contract/mailbox.js";
import { agentRemoved } from "../contract/tombstone.js";
import { newInboxMeta, standingOf, standingTowards } from "../layout/counters.js";
import { deadLetterKey, peerRange, pendingStateKey, sentKey } from "../layout/keys.js";
import { decodePendingState, decodeSent, encodeSent, type SentRow } from "../layout/rows.js";
import type { WriteContext } from "./context.js";

/** More rows than a peer has. */
const ALL_ROWS = 1_000_000_000;

/** Who claims, and for which store of this side. */
export interface OpenRequest {
  readonly peer: string;
  readonly client: StoreClient;
  readonly claim: Claim;
  /** Name of the store. */
  readonly store: () => string;
}

/** A claim that is on disk. */
export interface Claimed extends Pick<MailboxLease, "epoch" | "toldBefore" | "standing" | "continues"> {
  readonly options: LeaseOptions;
}

/**
 * Claims a mailbox: the epoch rises, and retained state of a peer that lost its store becomes
 * pending.
 *
 * @param opened makes the result, once the claim is on disk
 */
export function open<T>(
  { peer, client, claim, store }: OpenRequest,
  context: Pick<WriteContext, "limits" | "sweeper" | "acknowledgements">,
  opened: (claimed: Claimed) => T,
): Write<T> {
  let objection: { readonly thrown: unknown } | undefined;
  const decide = (found: Found): LeaseOptions => {
    try {
      return claim(found);
    } catch (thrown) {
      objection = { thrown };
      throw thrown;
    }
  };
  return {
    sync: true,
    async apply(tx) {
      tx.assertStays(peer);
      const tombstone = tx.tombstone(peer);
      if (tombstone !== undefined) throw agentRemoved(peer, tombstone);
      const found = tx.mailboxOf(peer);
      const before = standingOf(found?.counters, tx.inbox(peer), tx.forgotten);
      const options = decide({ store: store(), standing: before, forgotten: tx.forgotten });
      const tenure = found?.claimedBy === undefined ? tx.tenure(peer) : undefined;
      const continues = found !== undefined && tenure?.client === client && tenure.isKnown;
      const mailbox = found ?? newMailbox(tx, peer, context.limits.maxPeers);
      const { peerStore, inboxForgotten = false } = options;
      const former = mailbox.counters;
      const lostState = former.peerStore !== "" && former.peerStore !== peerStore;
      const toldBefore = lostState ? 0 : (former.told ?? former.lastVersion);
      if (lostState) await forgetVersions(tx, peer, context);
      if (lostState || inboxForgotten) await resendRetained(tx, peer, mailbox, context);
      const epoch = former.epoch + 1;
      mailbox.claim(client, { epoch, peerStore, session: options.epoch ?? epoch, told: undefined });
      // A peer that assigns the epoch has begun that session, and durably so.
      const inbox = options.epoch === undefined ? undefined : tx.inboxOrNew(peer, context.limits.maxPeers);
      if (inbox !== undefined) tx.setInbox(peer, { ...inbox, joined: options.epoch ?? inbox.joined });
      const standing = standingTowards(mailbox.counters, tx.inbox(peer), tx.forgotten);
      return () => opened({ epoch, toldBefore, standing, continues, options });
    },
    async failed(error) {
      throw objection === undefined ? error : objection.thrown;
    },
  };
}

function newMailbox(tx: Transaction, peer: string, maxPeers: number): MailboxDraft {
  const made = tx.mailboxOrNew(peer, maxPeers);
  if (made !== undefined) return made;
  const message = `no mailbox for ${peer}: the store holds ${maxPeers}, its limit (maxPeers)`;
  throw new HawserError("store_full", message, { agent: peer });
}

/** The peer lost its store, and assigns its versions again. */
async function forgetVersions(
  tx: Transaction,
  peer: string,
  { limits, sweeper }: Pick<WriteContext, "limits" | "sweeper">,
): Promise<void> {
  const rows = await tx.range(peerRange("inbox", peer, ALL_ROWS));
  for (const [key] of rows) tx.remove(key);
  const inbox = tx.inboxOrNew(peer, limits.maxPeers);
  if (inbox !== undefined) {
    const { incarnation, recorded } = inbox;
    tx.setInbox(peer, { ...newInboxMeta(), incarnation: incarnation + 1, recorded });
  }
  tx.afterCommit(() => sweeper.reset(peer));
}

/** All retained state becomes pending again: newest first, so that superseded states show. */
async function resendRetained(
  tx: Transaction,
  peer: string,
  mailbox: MailboxDraft,
  { acknowledgements }: Pick<WriteContext, "acknowledgements">,
): Promise<void> {
  tx.afterCommit(() => acknowledgements.forget(peer));
  const rows = await tx.range(peerRange("sent", peer, ALL_ROWS));
  const retained = rows.map(([key, value]) => decodeSent(value, key));
  retained.sort((a, b) => versionOf(b.event) - versionOf(a.event));
  await tx.prefetch(new Set(retained.flatMap(({ event }) => keysAbout(peer, event))));
  const pending = await tx.pendingOf(
    peer,
    retained.map(({ event }) => versionOf(event)),
  );
  mailbox.set({ peerRecorded: 0 });
  for (const row of retained) if (!pending.has(versionOf(row.event))) await resend(tx, peer, mailbox, row);
}

function versionOf(event: HawserEvent): number {
  return Number(event.eventid);
}

function keysAbout(peer: string, event: HawserEvent): readonly string[] {
  const states = STATE_CLASSES.map((kind) => pendingStateKey(peer, event.resourceid, kind));
  return [deadLetterKey(peer, versionOf(event)), ...states];
}

/** Caps do not apply, as nothing accepted is dropped. The new holder reads the entry. */
async function resend(tx: Transaction, peer: string, mailbox: MailboxDraft, row: SentRow): Promise<void> {
  const { event, text, bytes, givenUp } = row;
  const version = versionOf(event);
  if (await isSuperseded(tx, peer, event)) return;
  const wasDeadLetter = (await tx.get(deadLetterKey(peer, version))) !== undefined;
  if (givenUp !== undefined && event.subject !== undefined)
    tx.put(sentKey(peer, event.subject), encodeSent(text));
  // An event that the former store of the peer refused gets another chance.
  if (wasDeadLetter) mailbox.dropDeadLetter(version, bytes);
  mailbox.addPending(version, row);
}

async function isSuperseded(tx: Transaction, peer: string, event: HawserEvent): Promise<boolean> {
  const own = eventClass(event.type);
  for (const kind of STATE_CLASSES) {
    if (!supersedes(kind, own)) continue;
    const key = pendingStateKey(peer, event.resourceid, kind);
    const row = await tx.get(key);
    if (row !== undefined && decodePendingState(row, key).version > versionOf(event)) return true;
  }
  return false;
}
