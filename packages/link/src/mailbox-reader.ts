import type { EventWriter } from "@hawser/delivery";
import { eventClass, HawserError } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import type { MailboxEntry, MailboxLease, PurgedEntry } from "@hawser/store";
import { EventsSetAside } from "./events-set-aside.js";
import { HeldBackResources } from "./held-back-resources.js";
import { PageReader, type Page } from "./page-reader.js";
import { ReadRoom } from "./read-room.js";
import type { SenderHost, SenderOptions } from "./sender-options.js";
import type { SenderTurn } from "./sender-turn.js";
import { SpilledResources, type Spilled } from "./spilled-resources.js";

/** One read brings back entries of up to so many resources, which often lie side by side. */
const MAX_READ_BACK_AT_ONCE = 8;

/**
 * Brings the entries of a mailbox to the writer of a session, and decides which stay on disk.
 *
 * `ReadRoom` bounds the entries and bytes in memory. Entries are read in version order as room
 * appears; a live entry is taken directly only once reading has caught up. Where nothing held can
 * be sent, the reader skips the resources with many entries (`SpilledResources`). Where that leaves
 * no room, resources whose next try is not due leave memory (`EventsSetAside`). A new uid of a name
 * stays on disk until the delete of the old one is answered (`HeldBackResources`).
 */
export class MailboxReader {
  readonly #writer: EventWriter;
  readonly #room: ReadRoom;
  readonly #clock: Clock;
  readonly #host: SenderHost;
  readonly #pages: PageReader;
  readonly #spilled = new SpilledResources();
  readonly #aside = new EventsSetAside();
  readonly #heldBack = new HeldBackResources();
  #first = { limit: 0, maxBytes: 0 };
  /** Absent before the start. */
  #lease: MailboxLease | undefined;
  /** Highest version that was read; everything up to it is held, spilled or settled. */
  #cursor = 0;
  #newest = 0;
  #caughtUp = false;
  #stopped = false;

  constructor(writer: EventWriter, { window, readAhead, runtime }: SenderOptions, host: SenderHost) {
    this.#writer = writer;
    this.#clock = runtime.clock;
    this.#host = host;
    this.#room = new ReadRoom(writer, window, readAhead);
    this.#pages = new PageReader(readAhead);
  }

  /** Every entry up to this version is settled: heartbeats announce it. */
  get settledFloor(): number {
    const held = this.#writer.lowestHeld() ?? Number.POSITIVE_INFINITY;
    const spilled = this.#spilled.lowest() ?? Number.POSITIVE_INFINITY;
    const heldBack = this.#heldBack.lowest() ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#cursor, held - 1, spilled - 1, heldBack - 1);
  }

  /** Undefined where nothing of the resource is known here: all of it is settled. */
  turnOf(resourceid: string): SenderTurn | undefined {
    const turn = this.#writer.turnOf(resourceid) ?? this.#aside.turnOf(resourceid);
    if (turn !== undefined) return turn;
    const ahead = this.#heldBack.firstAhead(resourceid);
    if (ahead !== undefined) return { kind: "heldBack", ...ahead, turn: this.turnOf(ahead.resourceid) };
    const isUnread = !this.#caughtUp || this.#spilled.get(resourceid) !== undefined;
    return isUnread ? { kind: "unread" } : undefined;
  }

  /** How much the claim of the mailbox may bring along. */
  first(): { readonly limit: number; readonly maxBytes: number } {
    return (this.#first = this.#room.reserve());
  }

  /** Begins with the entries that came with the claim. */
  start(lease: MailboxLease): void {
    this.#lease = lease;
    const { limit, maxBytes } = this.#first;
    const entries = lease.first;
    let bytes = 0;
    for (const entry of entries) {
      bytes += entry.bytes;
      this.#offer(entry);
    }
    const isAll = entries.length < limit && bytes < maxBytes;
    this.#caughtUp = isAll && this.#newest <= this.#cursor;
    this.#room.taken();
  }

  /** The mailbox has entries up to this version that the lease does not bring: reads them. */
  more(position: number): void {
    if (position > this.#newest) this.#newest = position;
    if (position <= this.#cursor) return;
    this.#caughtUp = false;
    this.#host.ready();
  }

  /** A live entry from the lease. */
  entry(entry: MailboxEntry): void {
    if (entry.version > this.#newest) this.#newest = entry.version;
    if (entry.version <= this.#cursor) return;
    if (!this.#caughtUp) {
      this.#spill(entry);
      return;
    }
    if (this.#writer.held >= this.#room.maxHeld || this.#holdsBackAll || !this.#room.mayHold(entry.bytes)) {
      // It stays on disk until a read from the cursor has room for it.
      this.#caughtUp = false;
      this.#spill(entry);
      if (this.#writer.starved) this.#host.ready();
      return;
    }
    this.#offer(entry);
    this.#room.count();
    this.#host.ready();
  }

  /**
   * Events were purged: they leave, and the events behind them may go. One in flight keeps its
   * place until it is answered or its resend is due, because the peer may be applying it.
   *
   * @returns how many are in flight
   */
  purged(gone: readonly PurgedEntry[]): number {
    const byResource = new Map<string, Set<number>>();
    for (const { resourceid, version } of gone) {
      byResource.set(resourceid, (byResource.get(resourceid) ?? new Set()).add(version));
      this.#pages.purged(version);
    }
    let inFlight = 0;
    for (const [resourceid, versions] of byResource) {
      inFlight += this.#writer.purge(resourceid, versions);
      this.#aside.purged(resourceid, versions);
      this.letGoBehind(resourceid);
    }
    this.#room.count();
    this.#host.ready();
    return inFlight;
  }

  /** Resources that were set aside and are due may be read back from now on. */
  advance(nowMs: number): void {
    this.#aside.advance(nowMs);
  }

  /** When `advance` will next change anything. */
  nextAt(): number | undefined {
    return this.#aside.nextAt();
  }

  /** If no event of a resource up to its delete is left, the next uid of its name is read. */
  letGoBehind(resourceid: string): void {
    const version = this.#heldBack.deleteOf(resourceid);
    if (version === undefined) return;
    const turn = this.#writer.turnOf(resourceid);
    const first = turn?.version ?? (this.#spilled.get(resourceid) ?? this.#heldBack.get(resourceid))?.from;
    if (first !== undefined && first <= version) return;
    for (const { resourceid: next, from, to } of this.#heldBack.answered(resourceid))
      this.#spilled.putBack(next, from, to);
  }

  /** The writer has sent what it may: reads as much as there is room for. */
  refill(): void {
    this.#room.count();
    const lease = this.#lease;
    if (lease === undefined || this.#pages.isReading || this.#stopped) return;
    const waiting = this.#toReadBack();
    if (waiting !== undefined || !this.#caughtUp) this.#makeRoom();
    const spilled = this.#mayReadBack ? waiting : undefined;
    if (spilled === undefined && (this.#caughtUp || this.#holdsBackAll || !this.#room.mayRead)) return;
    void (spilled === undefined ? this.#read(lease) : this.#readBack(lease, spilled)).then(
      () => this.#host.ready(),
      (thrown: unknown) => this.#host.fail(HawserError.from(thrown, "store_unavailable")),
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#room.close();
  }

  #offer(entry: MailboxEntry, spill = false): void {
    const { version, event } = entry;
    this.#cursor = version;
    if (version > this.#newest) this.#newest = version;
    const { resourceid } = event;
    // First: earlier events of the resource may be spilled, and are read back while this one waits.
    if (this.#heldBack.holdsBack(entry)) this.#spill(entry);
    else if (this.#spilled.get(resourceid) !== undefined || (spill && this.#room.isFull(resourceid))) {
      this.#spilled.leave(resourceid, version);
      this.#spill(entry);
    } else this.#writer.offer(entry);
    this.#heldBack.seen(entry);
  }

  get #holdsBackAll(): boolean {
    return this.#heldBack.size >= this.#room.maxHeld;
  }

  /** An entry stays on disk, and supersedes older states that are held or being read. */
  #spill({ version, event: { resourceid, type } }: MailboxEntry): void {
    if (eventClass(type) === "command") return;
    const spilled = { version, event: { resourceid, type } };
    this.#writer.skipSpilled(spilled);
    this.#aside.newer(spilled);
    this.#pages.spilled(spilled);
  }

  #toReadBack(): Spilled | undefined {
    if (this.#spilled.size === 0 || !(this.#mayReadBack || this.#writer.starved)) return undefined;
    const enough = this.#room.heldPerResource / 2;
    return this.#spilled.find((id) => this.#writer.heldOf(id) <= enough && !this.#aside.isDelayed(id));
  }

  get #mayReadBack(): boolean {
    return this.#spilled.size > 0 && this.#room.mayReadBack;
  }

  /** Resources that back off longest leave memory for entries that can be read. */
  #makeRoom(): void {
    const now = this.#clock.now();
    while (this.#writer.starved && this.#writer.held > 0 && this.#room.isShort) {
      if (this.#aside.size >= this.#room.maxStarved) return;
      const aside = this.#writer.setAside(now);
      if (aside === undefined) return;
      this.#spilled.putBack(aside.resourceid, aside.from, aside.to);
      this.#aside.add(aside);
      this.#room.count();
    }
  }

  async #read(lease: MailboxLease): Promise<void> {
    const { maxHeld } = this.#room;
    const { held, starved } = this.#writer;
    const wanted = Math.max(maxHeld - held, starved ? maxHeld / 4 : 1);
    // Held events that cannot be sent must not keep the rest of the mailbox from being read.
    const spill = starved && (held > maxHeld / 2 || this.#room.isTight);
    const heardOf = this.#newest;
    const page = await this.#page(lease, this.#cursor, wanted);
    const heard = this.#pages.finish();
    if (heard === undefined || this.#stopped) return;
    for (const entry of page.entries) {
      if (this.#pages.isGone(entry.version)) this.#cursor = entry.version;
      else this.#offer(entry, spill);
    }
    for (const each of heard) this.#writer.skipSpilled(each);
    // A live entry announced before this read but missing from it was deleted meanwhile, such as a
    // status of a deleted resource. Advance the cursor past it, or the reader would loop.
    if (page.isAll) this.#cursor = Math.max(this.#cursor, heardOf);
    // A live entry that arrived during the read and is not in the page is still on disk.
    this.#caughtUp = page.isAll && this.#newest <= this.#cursor;
    this.#room.count();
  }

  // Brings spilled entries back, of this resource and of others on the way. Missing versions were
  // superseded.
  async #readBack(lease: MailboxLease, { resourceid, from, to }: Spilled): Promise<void> {
    const wanted = 2 * this.#room.maxPerResource * Math.min(this.#spilled.size, MAX_READ_BACK_AT_ONCE);
    const page = await this.#page(lease, from - 1, wanted);
    const heard = this.#pages.finish();
    if (heard === undefined || this.#stopped) return;
    const full = new Set<string>();
    for (const entry of page.entries) this.#takeBack(entry, from, full);
    for (const each of heard) this.#writer.skipSpilled(each);
    const end = page.isAll ? to : (page.entries.at(-1)?.version ?? to);
    if (!full.has(resourceid)) {
      this.#spilled.readUpTo(resourceid, Math.min(end, to));
      this.#aside.readBack(resourceid);
      this.letGoBehind(resourceid);
    }
    this.#room.count();
  }

  /** @param full resources of which no more is brought back by this page */
  #takeBack(entry: MailboxEntry, from: number, full: Set<string>): void {
    const { version, event } = entry;
    const id = event.resourceid;
    const spilled = this.#spilled.get(id);
    if (spilled === undefined || full.has(id) || this.#pages.isGone(version)) return;
    if (version < spilled.from || version > spilled.to) return;
    // Its spilled entries before this page come first.
    if (spilled.from < from) return;
    if (this.#room.isFull(id) || this.#aside.isDelayed(id)) full.add(id);
    else {
      this.#writer.offerSpilled(entry, this.#aside.refusedOf(id, version));
      this.#aside.readBack(id);
    }
    this.#spilled.readUpTo(id, full.has(id) ? version - 1 : version);
    this.letGoBehind(id);
  }

  #page(lease: MailboxLease, after: number, wanted: number): Promise<Page> {
    return this.#pages.read(lease, after, wanted, Math.max(1, this.#room.allowance));
  }
}
