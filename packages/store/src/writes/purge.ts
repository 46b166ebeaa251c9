import { eventClass, type HawserError, type HawserEvent } from "@hawser/protocol";
import type { Acknowledgements } from "../mailbox/acknowledgements.js";
import type { CommitItem } from "../commit/write.js";
import { decodeEvent, entryPlace } from "../layout/event-text.js";
import { receivedKey, sentKey } from "../layout/keys.js";
import type { LeaseTable } from "../mailbox/lease-table.js";
import { identify, type EntryIdentity } from "../layout/entry-identity.js";
import type { PendingEntries } from "./pending-entries.js";
import { assertStays } from "./removal-mark.js";
import type { RetainedRows } from "./retained-rows.js";
import type { Transaction } from "../commit/transaction.js";

/** Entries that are looked at with one commit, so that a long mailbox holds nobody else up. */
const ENTRIES_PER_COMMIT = 1_000;
/** Characters of them, each of which is parsed: some two milliseconds of work, or a large event. */
const LENGTH_PER_COMMIT = 262_144;

export interface PurgeContext {
  readonly leases: LeaseTable;
  readonly acknowledgements: Acknowledgements;
  readonly entries: PendingEntries;
  readonly retained: RetainedRows;
}

/** What of a mailbox is purged: everything up to a version, or what a resource has of that. */
export interface PurgeTarget {
  readonly peer: string;
  /** The last version that had been accepted when the purge began. */
  readonly through: number;
  readonly resource: PurgedResource | undefined;
}

/** How events of a resource are known. */
export interface PurgedResource {
  readonly subject: string;
  readonly resourceids: ReadonlySet<string>;
}

/** What one commit of a purge did. */
export interface PurgeStep {
  readonly purged: number;
  readonly inFlight: number;
  readonly left: number;
  /** Up to where the mailbox was looked at; undefined when that was all of it. */
  readonly next: number | undefined;
}

/** An entry that goes, and what becomes of its retained state. */
interface Going {
  readonly entry: EntryIdentity;
  readonly giveUp: () => void;
}

/** One commit's share of a purge. Whatever follows, what is left is in order: a purge has no state of its own on the disk. */
export class PurgeItem implements CommitItem {
  readonly sync = true;
  readonly #target: PurgeTarget;
  readonly #after: number;
  readonly #context: PurgeContext;
  readonly #done: (step: PurgeStep) => void;
  readonly #failed: (error: HawserError) => void;

  /** @param after the version up to which it is done */
  constructor(
    target: PurgeTarget,
    after: number,
    context: PurgeContext,
    done: (step: PurgeStep) => void,
    failed: (error: HawserError) => void,
  ) {
    this.#target = target;
    this.#after = after;
    this.#context = context;
    this.#done = done;
    this.#failed = failed;
  }

  async apply(tx: Transaction): Promise<void> {
    const { peer } = this.#target;
    assertStays(tx, peer);
    const meta = tx.mailbox(peer);
    if (meta === undefined)
      return tx.afterCommit(() => this.#done({ purged: 0, inFlight: 0, left: 0, next: undefined }));
    const { found, next } = await this.#look(tx);
    const going = await this.#plan(tx, found);
    if (going.length > 0) this.#remove(tx, going);
    tx.afterCommit(() => {
      const gone = going.map(({ entry: { version, resourceid } }) => ({ version, resourceid }));
      const inFlight = gone.length === 0 ? 0 : this.#context.leases.entriesPurged(peer, gone);
      this.#done({ purged: gone.length, inFlight, left: tx.mailbox(peer)?.pending ?? 0, next });
    });
  }

  failed(error: HawserError): void {
    this.#failed(error);
  }

  async #look(
    tx: Transaction,
  ): Promise<{ readonly found: readonly EntryIdentity[]; readonly next: number | undefined }> {
    const { peer, through } = this.#target;
    const range = { peer, after: this.#after, limit: ENTRIES_PER_COMMIT, maxLength: LENGTH_PER_COMMIT };
    const { entries, last, isLast } = await tx.entryPage(range);
    // What this very commit adds may lie behind what was read.
    const end = isLast ? through : Math.min(through, last);
    const found = entries
      .filter(({ version }) => version <= end)
      .map(({ version, text }) =>
        identify(version, Buffer.byteLength(text), decodeEvent(text, entryPlace(peer, version))),
      )
      .filter((entry) => this.#isMeant(entry));
    return { found, next: isLast || last >= through ? undefined : last };
  }

  #isMeant({ version, subject, resourceid }: EntryIdentity): boolean {
    const { peer, resource } = this.#target;
    // The peer has applied it; that is only not written yet.
    if (this.#context.acknowledgements.has(peer, version)) return false;
    if (resource === undefined) return true;
    return subject === resource.subject || resource.resourceids.has(resourceid);
  }

  /** Reads all there is to read before the first change. */
  async #plan(tx: Transaction, found: readonly EntryIdentity[]): Promise<readonly Going[]> {
    const { peer } = this.#target;
    const keys = found.flatMap(({ subject, eventClass: kind }) => {
      if (subject === undefined || kind === "command") return [];
      return kind === "delete"
        ? [sentKey(peer, subject), receivedKey(peer, subject)]
        : [sentKey(peer, subject)];
    });
    await tx.prefetch(new Set(keys));
    const going: Going[] = [];
    for (const entry of found)
      going.push({ entry, giveUp: await this.#context.retained.givingUp(tx, peer, entry, "purged") });
    return going;
  }

  #remove(tx: Transaction, going: readonly Going[]): void {
    const { peer } = this.#target;
    const { entries } = this.#context;
    const meta = tx.mailbox(peer);
    if (meta === undefined) return;
    const draft = tx.draft(peer, meta);
    for (const { entry, giveUp } of going) {
      giveUp();
      entries.remove(tx, peer, draft, entries.outgoing(peer, entry));
    }
  }
}

/** Whether an event says which `resourceid` a subject has. */
export function isStateOf(subject: string, event: Pick<HawserEvent, "type" | "subject">): boolean {
  return event.subject === subject && eventClass(event.type) !== "command";
}
