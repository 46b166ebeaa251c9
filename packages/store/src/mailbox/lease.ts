import { HawserError } from "@hawser/protocol";
import type { Runtime, TurnQueue } from "@hawser/runtime";
import type { Committer } from "../commit/committer.js";
import type { StoreClient, Tenure } from "../commit/peer-table.js";
import type { RecoveringDisk } from "../commit/recovering-disk.js";
import type { Begun, InboxState, Recorded, RecordResult } from "../contract/inbox.js";
import type {
  DeadLetterReason,
  LeaseCallbacks,
  MailboxEntry,
  MailboxLease,
  PurgedEntry,
} from "../contract/mailbox.js";
import type { Standing } from "../contract/rollback.js";
import type { PeerView } from "../contract/views.js";
import {
  decodeEncoded,
  entryPlace,
  identify,
  type EncodedEvent,
  type EntryIdentity,
} from "../layout/event-text.js";
import type { WriteContext } from "../writes/context.js";
import { deadLetter } from "../writes/dead-letters.js";
import type { Claimed } from "../writes/open.js";
import type { UnusedMailboxes } from "../writes/unused-mailboxes.js";
import type { InboxWriter } from "./inbox-writer.js";
import { LeaseOpening } from "./lease-opening.js";
import { assertHeld, type HeldLease, type LeaseState, type StoreLoss } from "./lease-table.js";

/**
 * Entries that a store remembers after it handed them out, over all leases, about 200 bytes each.
 * The acknowledgement of a remembered one needs no read.
 */
const MAX_HANDED_OUT = 65_536;
/** A longer event comes without its JSON, which would cost more memory than it saves time. */
const MAX_KEPT_TEXT = 4_096;

/** Characters that are read, and become events, at once; a longer event comes alone. */
const MAX_PAGE_LENGTH = 262_144;
/** Of what is read of all mailboxes: some two milliseconds of work, or a large event. */
export const DECODING_TURNS = { perTurn: MAX_PAGE_LENGTH, perSecond: 20_000_000 };

/** The parts of a store that a lease uses. */
export interface LeaseHost {
  readonly context: WriteContext;
  readonly committer: Committer;
  readonly unused: UnusedMailboxes;
  readonly inboxes: InboxWriter;
  readonly disk: RecoveringDisk;
  readonly runtime: Pick<Runtime, "clock">;
  /** Spreads the parsing of long mailboxes that many sessions read at once, in characters. */
  readonly decoding: TurnQueue;
  /** How many handed-out entries all leases together remember. */
  readonly handedOut: { count: number };
  /** Writes what was gathered. */
  flush(): Promise<void>;
}

/** A claim that is on disk, and whose it is. */
export interface LeaseClaim extends Claimed {
  readonly peer: string;
  readonly tenure: Tenure;
  readonly holder: NonNullable<PeerView["holder"]>;
  readonly on: LeaseCallbacks;
}

const NOTHING_KNOWN: InboxState = { settled: 0, applied: new Map(), begun: new Map() };

export class DiskLease implements MailboxLease, HeldLease {
  readonly epoch: number;
  readonly toldBefore: number;
  readonly standing: Standing;
  readonly continues: boolean;
  readonly holder: LeaseClaim["holder"];
  readonly #claim: LeaseClaim;
  readonly #host: LeaseHost;
  readonly #withJson: boolean;
  readonly #handed = new Map<number, EntryIdentity>();
  #state: LeaseState = "held";
  /** Until the holder has the lease and what came with it. */
  #opening: LeaseOpening | undefined = new LeaseOpening();
  /**
   * The holder is notified of each entry. Until then it gets the newest version when it has the
   * lease.
   */
  #isTelling = false;
  /** `open` has resolved: the holder is notified of a loss. */
  #isLoaded = false;
  #inbox = NOTHING_KNOWN;
  /** Counts removals, so that a read that overlapped one is not remembered. */
  #removals = 0;

  constructor(claim: LeaseClaim, host: LeaseHost) {
    this.epoch = claim.epoch;
    this.toldBefore = claim.toldBefore;
    this.standing = claim.standing;
    this.continues = claim.continues;
    this.holder = claim.holder;
    this.#claim = claim;
    this.#host = host;
    this.#withJson = claim.options.withJson ?? false;
  }

  get #peer(): string {
    return this.#claim.peer;
  }

  get client(): StoreClient {
    return this.#claim.tenure.client;
  }

  get inbox(): InboxState {
    return this.#inbox;
  }

  /** Only while the lease is being opened, which is when its holder takes them. */
  get first(): readonly MailboxEntry[] {
    return this.#opening?.first ?? [];
  }

  /** Reads what the holder is given along with its lease. */
  async load(): Promise<void> {
    const { first } = this.#claim.options;
    this.#inbox = await this.#host.inboxes.load(this.#peer, await this.#host.disk.current());
    if (first !== undefined) this.#opening?.read(await this.read(0, first.limit, first.maxBytes));
    assertHeld(this.#peer, this.#state);
    this.#isLoaded = true;
    this.#claim.tenure.isKnown = true;
    this.#isTelling = this.#opening?.newest === 0;
  }

  /** The holder has the lease. */
  opened(): void {
    const newest = this.#isTelling ? 0 : (this.#opening?.newest ?? 0);
    this.#opening = undefined;
    this.#isTelling = true;
    if (this.#state === "held" && newest > 0) this.#claim.on.more(newest);
  }

  async read(
    after: number,
    limit: number,
    maxBytes = Number.POSITIVE_INFINITY,
  ): Promise<readonly MailboxEntry[]> {
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new HawserError("invalid_config", `limit is ${limit}; a read has 1 or more`);
    if (!(maxBytes >= 1))
      throw new HawserError("invalid_config", `maxBytes is ${maxBytes}; a read has 1 or more`);
    const entries: MailboxEntry[] = [];
    let bytes = 0;
    let last = Math.max(0, after);
    for (let isAll = false; !isAll && entries.length < limit && bytes < maxBytes; ) {
      const asked = {
        limit: limit - entries.length,
        maxLength: Math.min(maxBytes - bytes, MAX_PAGE_LENGTH),
      };
      const page = await this.#page(last, asked);
      // Acknowledged but not yet written: gone for the holder.
      for (const entry of page.entries) {
        if (bytes >= maxBytes) break;
        if (this.#host.context.acknowledgements.has(this.#peer, entry.version)) continue;
        entries.push(entry);
        bytes += entry.bytes;
      }
      ({ last, isAll } = page);
    }
    return entries;
  }

  async #page(
    after: number,
    { limit, maxLength }: { readonly limit: number; readonly maxLength: number },
  ): Promise<{ readonly entries: readonly MailboxEntry[]; readonly last: number; readonly isAll: boolean }> {
    assertHeld(this.#peer, this.#state);
    const removals = this.#removals;
    const disk = await this.#host.disk.current();
    const rows = await disk.rangeEntries({ peer: this.#peer, after, limit, maxLength });
    const length = rows.reduce((sum, { text }) => sum + text.length, 0);
    if (length > 0) await new Promise<void>((resolve) => this.#host.decoding.run(resolve, length));
    assertHeld(this.#peer, this.#state);
    const entries = rows.map(({ version, text }) => {
      const { event, bytes } = decodeEncoded(text, entryPlace(this.#peer, version));
      const entry: MailboxEntry = { version, event, bytes };
      const isPending = !this.#host.context.acknowledgements.has(this.#peer, version);
      if (isPending && removals === this.#removals) this.#remember(entry);
      return entry;
    });
    return { entries, last: rows.at(-1)?.version ?? after, isAll: rows.length < limit && length < maxLength };
  }

  acknowledge(version: number, recorded?: number): void {
    if (this.#state === "held") this.#host.context.acknowledgements.add(this.#peer, version, recorded);
  }

  async deadLetter(version: number, reason: DeadLetterReason): Promise<boolean> {
    if (this.#state !== "held") return false;
    return this.#host.committer.commit(deadLetter(this.#peer, this.epoch, version, reason));
  }

  begin(batch: readonly Begun[]): Promise<void> {
    return this.#host.inboxes.begin(this.#peer, this.#claim.tenure, batch);
  }

  record(batch: readonly Recorded[]): Promise<RecordResult> {
    return this.#host.inboxes.record(this.#peer, this.#claim.tenure, batch);
  }

  settle(version: number): void {
    this.#host.inboxes.learned(this.#peer, this.#claim.tenure, "settled", version);
  }

  joined(): void {
    this.#host.inboxes.learned(this.#peer, this.#claim.tenure, "joined", this.epoch);
  }

  use(): { release(): void } {
    return this.#host.unused.use(this.#peer);
  }

  flush(): Promise<void> {
    return this.#host.flush();
  }

  async close(): Promise<void> {
    if (this.#state !== "held") return;
    this.end();
    this.#host.context.leases.release(this.#peer, this);
    this.#host.unused.add(this.#peer);
    // What cannot be written now stays gathered; losing it only costs a resend.
    await this.flush().catch(() => {});
  }

  /** Gives up a lease whose client may not know of it, and so lacks the inbox. */
  disown(): Promise<void> {
    if (!this.continues) this.#claim.tenure.isKnown = false;
    return this.close();
  }

  /** What is known of an entry that was handed out and is still pending. */
  handed(version: number): EntryIdentity | undefined {
    return this.#handed.get(version);
  }

  deliver(version: number, { event, text, bytes }: EncodedEvent): void {
    if (this.#state !== "held") return;
    if (!this.#isTelling) {
      if (this.#opening !== undefined) this.#opening.newest = version;
      return;
    }
    const json = this.#withJson && text.length <= MAX_KEPT_TEXT ? text : undefined;
    const entry: MailboxEntry = { version, event, bytes, json, checked: true };
    this.#remember(entry);
    this.#claim.on.event(entry);
  }

  /** How many of these the holder had sent. */
  purged(gone: readonly PurgedEntry[]): number {
    return this.#state === "held" ? this.#claim.on.purged(gone) : 0;
  }

  /** The entry is no longer pending. */
  forget(version: number): void {
    this.#removals++;
    this.#opening?.removed(version);
    if (this.#handed.delete(version)) this.#host.handedOut.count--;
  }

  /** A holder without its lease yet gets the error of `open`. */
  lose(why: StoreLoss): void {
    if (this.#state !== "held") return;
    this.end(why);
    if (this.#isLoaded) this.#claim.on.lost(why);
  }

  /** Ends without a notification. */
  end(state: Exclude<LeaseState, "held"> = "closed"): void {
    if (this.#state !== "held") return;
    this.#state = state;
    this.#claim.tenure.seenAt = this.#host.runtime.clock.wallTime();
    this.#host.handedOut.count -= this.#handed.size;
    this.#handed.clear();
  }

  #remember(entry: MailboxEntry): void {
    if (this.#handed.has(entry.version) || this.#host.handedOut.count >= MAX_HANDED_OUT) return;
    this.#handed.set(entry.version, identify(entry.version, entry.bytes, entry.event));
    this.#host.handedOut.count++;
  }
}
