import { eventClass, HawserError, type HawserEvent } from "@hawser/protocol";
import type { Committer } from "../commit/committer.js";
import type { PeerTable } from "../commit/peer-table.js";
import type { RecoveringDisk } from "../commit/recovering-disk.js";
import type { Transaction } from "../commit/transaction.js";
import type { Write } from "../commit/write.js";
import type { Purged, PurgeOptions } from "../contract/store.js";
import type { OpenDisk } from "../disk/disk.js";
import { decodeEvent, entryPlace, identify, type EntryIdentity } from "../layout/event-text.js";
import { receivedKey, sentKey } from "../layout/keys.js";
import { decodeReceived, decodeSent } from "../layout/rows.js";
import type { WriteContext } from "./context.js";
import { givingUp } from "./retained-rows.js";

/** Entries and characters that are parsed at once: some two milliseconds, or a large event. */
const AT_ONCE = { limit: 1_000, maxLength: 262_144 };

/** How events of a resource are known. */
interface PurgedResource {
  readonly subject: string;
  readonly resourceids: ReadonlySet<string>;
}

/** What of a mailbox is purged: everything up to a version, or what a resource has of that. */
interface PurgeTarget {
  readonly peer: string;
  /** The last version that had been accepted when the purge began. */
  readonly through: number;
  readonly resource: PurgedResource | undefined;
}

interface PurgeStep extends Purged {
  /** Up to where the mailbox was looked at; undefined when that was all of it. */
  readonly next: number | undefined;
}

type PurgeContext = Pick<WriteContext, "leases" | "acknowledgements">;

/**
 * One commit's share of a purge. Each leaves the mailbox in order, so a purge keeps no state on
 * disk.
 *
 * @param after the version up to which it is done
 */
function purgeStep(
  target: PurgeTarget,
  after: number,
  { leases, acknowledgements }: PurgeContext,
): Write<PurgeStep> {
  const { peer, through, resource } = target;
  const isMeant = ({ version, subject, resourceid }: EntryIdentity): boolean => {
    // The peer has applied it, which is only not written yet.
    if (acknowledgements.has(peer, version)) return false;
    if (resource === undefined) return true;
    return subject === resource.subject || resource.resourceids.has(resourceid);
  };
  return {
    sync: true,
    async apply(tx) {
      tx.assertStays(peer);
      const mailbox = tx.mailboxOf(peer);
      if (mailbox === undefined) return () => ({ purged: 0, inFlight: 0, left: 0, next: undefined });
      const { entries, last, isLast } = await tx.entryPage({ peer, after, ...AT_ONCE });
      // Entries that this very commit adds may lie behind those that were read.
      const end = isLast ? through : Math.min(through, last);
      const found = entries
        .filter(({ version }) => version <= end)
        .map(({ version, text }) =>
          identify(version, Buffer.byteLength(text), decodeEvent(text, entryPlace(peer, version))),
        )
        .filter(isMeant);
      for (const giveUp of await planGivingUp(tx, peer, found)) giveUp();
      for (const entry of found) mailbox.removePending(entry);
      return () => {
        const gone = found.map(({ version, resourceid }) => ({ version, resourceid }));
        const inFlight = gone.length === 0 ? 0 : leases.entriesPurged(peer, gone);
        const left = tx.mailboxOf(peer)?.counters.pending ?? 0;
        return { purged: gone.length, inFlight, left, next: isLast || last >= through ? undefined : last };
      };
    },
  };
}

/** Reads everything before the first change. */
async function planGivingUp(
  tx: Transaction,
  peer: string,
  found: readonly EntryIdentity[],
): Promise<readonly (() => void)[]> {
  const keys = found.flatMap(({ subject, eventClass: kind }) => {
    if (subject === undefined || kind === "command") return [];
    const sent = sentKey(peer, subject);
    return kind === "delete" ? [sent, receivedKey(peer, subject)] : [sent];
  });
  await tx.prefetch(new Set(keys));
  const plan: (() => void)[] = [];
  for (const entry of found) plan.push(await givingUp(tx, peer, entry, "purged"));
  return plan;
}

export interface PurgeParts {
  readonly context: PurgeContext;
  readonly committer: Committer;
  readonly peers: PeerTable;
  readonly disk: RecoveringDisk;
}

/**
 * Purges pending events, over as many commits as it takes.
 *
 * @throws HawserError why a step could not be read or written, and how many events had gone by then
 */
export async function purge(
  { context, committer, peers, disk }: PurgeParts,
  peer: string,
  { subject }: PurgeOptions,
): Promise<Purged> {
  const through = peers.mailboxes.get(peer)?.lastVersion ?? 0;
  let sum: Purged = { purged: 0, inFlight: 0, left: 0 };
  try {
    const resource =
      subject === undefined ? undefined : await resourceOf(await disk.current(), peer, subject, through);
    for (let after: number | undefined = 0; after !== undefined; ) {
      const write = purgeStep({ peer, through, resource }, after, context);
      const { purged, inFlight, left, next }: PurgeStep = await committer.commit(write);
      sum = { purged: sum.purged + purged, inFlight: sum.inFlight + inFlight, left };
      after = next;
    }
    return sum;
  } catch (thrown) {
    throw cutShort(peer, sum.purged, HawserError.from(thrown, "store_unavailable"));
  }
}

/** Commands have a `resourceid` alone. A resource that was created again has several. */
async function resourceOf(
  disk: OpenDisk,
  peer: string,
  subject: string,
  through: number,
): Promise<PurgedResource> {
  const resourceids = new Set(await retainedIds(disk, peer, subject));
  const name = JSON.stringify(subject);
  let after = 0;
  for (let isLast = false; !isLast; ) {
    const entries = await disk.rangeEntries({ peer, after, ...AT_ONCE });
    for (const { version, text } of entries) {
      // Most entries are of other resources, and need not be parsed to know that.
      if (version > through || !text.includes(name)) continue;
      const event = decodeEvent(text, entryPlace(peer, version));
      if (isStateOf(subject, event)) resourceids.add(event.resourceid);
    }
    after = entries.at(-1)?.version ?? through;
    isLast = after >= through;
  }
  return { subject, resourceids };
}

/** Whether an event says which `resourceid` a subject has. */
function isStateOf(subject: string, event: Pick<HawserEvent, "type" | "subject">): boolean {
  return event.subject === subject && eventClass(event.type) !== "command";
}

async function retainedIds(disk: OpenDisk, peer: string, subject: string): Promise<readonly string[]> {
  const [sentAt, receivedAt] = [sentKey(peer, subject), receivedKey(peer, subject)];
  const [sent, received] = await disk.get([sentAt, receivedAt]);
  const found: string[] = [];
  if (sent !== undefined) found.push(decodeSent(sent, sentAt).event.resourceid);
  if (received !== undefined)
    found.push(decodeEvent(decodeReceived(received, receivedAt).text, receivedAt).resourceid);
  return found;
}

function cutShort(agent: string, purged: number, { code, message, cause }: HawserError): HawserError {
  const done =
    purged === 0 ? "nothing was purged" : `${purged} events were purged before, and what is left is pending`;
  return new HawserError(code, `${message} (${done})`, { agent, cause });
}
