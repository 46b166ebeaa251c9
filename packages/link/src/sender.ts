import { EventWriter, type Deliverable, type ResendTiming, type ResourceTurn } from "@hawser/delivery";
import {
  eventClass,
  HawserError,
  OUTPUT_REQUEST_TYPE,
  sendProblem,
  type EventKey,
  type HawserEvent,
  type Nack,
} from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { MailboxEntry, MailboxLease, PurgedEntry } from "@hawser/store";
import type { LinkObserver } from "./link-observer.js";
import { HeldBackResources, type DeleteAhead } from "./held-back-resources.js";
import { EventsSetAside } from "./events-set-aside.js";
import type { OutgoingShare, OutgoingTurns } from "./outgoing-turns.js";
import { PageReader, type Page } from "./page-reader.js";
import type { ReadAhead } from "./read-ahead.js";
import { SpilledResources, type Spilled } from "./spilled-resources.js";

export interface SenderOptions {
  readonly runtime: Runtime;
  /** Un-ACKed events the peer accepts, from its hello or welcome. */
  readonly window: number;
  /** Bytes of them: what the peer accepts, and no more than this side wants to have in flight. */
  readonly windowBytes: number;
  /** What the sessions of this process hold in memory. */
  readonly readAhead: ReadAhead;
  /** What they share for what they send. */
  readonly turns: OutgoingTurns;
  readonly resend?: Partial<ResendTiming>;
  readonly observer?: LinkObserver;
}

/** The link that sends for a sender. */
export interface SenderHost {
  /** Something became sendable: call `pump` when the connection can take it. */
  ready(): void;
  /** The store failed under the sender; the session cannot go on. */
  fail(error: HawserError): void;
}

/** What the next event of a resource waits for; `unread`: it lies in the mailbox, and what is before it has to go first. */
export type SenderTurn = ResourceTurn | { readonly kind: "unread" } | HeldBackTurn;

/** The delete of another resource of the same kind and name has to be answered first. */
export interface HeldBackTurn extends DeleteAhead {
  readonly kind: "heldBack";
  /** What that delete waits for. */
  readonly turn: SenderTurn | undefined;
}

/** Entries the sender holds in memory: enough to keep the window full over one read, however long the mailbox is. */
const HELD_PER_WINDOW = 4;
const MIN_HELD = 256;
/** Of a resource that stands still no larger share of that waits in memory: one event of it is on its way, so a few behind it are enough. */
const RESOURCE_SHARE = 1 / 64;
const MIN_PER_RESOURCE = 16;
/** How many times more is held where all that is held stands still, as many resources may wait for their next try at once. */
const STARVED_FACTOR = 8;
/** One read brings back some of so many resources, which often lie side by side. */
const MAX_READ_BACK_AT_ONCE = 8;

/**
 * The sending half of a session: moves entries from the mailbox lease through the EventWriter to the connection.
 *
 * A long mailbox stays on disk, and so does a heavy one: what is held is bounded in entries and in bytes. Entries are read in version order as room appears; live ones are taken directly only once reading has caught up, which keeps
 * both the order and the bound. Where all of it stands still, because events fail or are slow, reading goes on past the resources that have much waiting
 * (`SpilledResources`): they do not keep the others from being read. Where even that leaves no room, resources whose next try is not due leave memory until it is
 * (`EventsSetAside`).
 *
 * A new uid of a name stays on disk until the delete of the old one is answered (`HeldBackResources`). With as many of them as entries it may hold, it reads no further
 * until one has gone.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #writer: EventWriter;
  readonly #share: OutgoingShare;
  readonly #maxHeld: number;
  readonly #maxPerResource: number;
  readonly #spilled = new SpilledResources();
  readonly #aside = new EventsSetAside();
  readonly #heldBack = new HeldBackResources();
  readonly #pages: PageReader;
  readonly #host: SenderHost;
  /** Absent before the start. */
  #lease: MailboxLease | undefined;
  /** Highest version that was read; everything up to it is held, spilled or settled. */
  #cursor = 0;
  #newest = 0;
  #caughtUp = false;
  #stopped = false;
  /** What `readAhead` was told of. */
  #countedBytes = 0;

  constructor(options: SenderOptions, host: SenderHost) {
    this.#options = options;
    this.#host = host;
    this.#writer = new EventWriter({
      window: options.window,
      windowBytes: options.windowBytes,
      random: options.runtime.random,
      ...(options.resend === undefined ? {} : { resend: options.resend }),
    });
    this.#pages = new PageReader(options.readAhead);
    this.#share = options.turns.newShare(() => this.#host.ready());
    this.#maxHeld = Math.max(MIN_HELD, options.window * HELD_PER_WINDOW);
    this.#maxPerResource = Math.max(MIN_PER_RESOURCE, Math.floor(this.#maxHeld * RESOURCE_SHARE));
  }

  get inFlight(): number {
    return this.#writer.inFlight;
  }

  /** Every entry up to this version is settled: what heartbeats announce. */
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

  /** Reads the first entries. Before it resolves, `entry` may already be called. */
  async start(lease: MailboxLease): Promise<void> {
    this.#lease = lease;
    this.#writer.sentBefore(lease.toldBefore);
    await this.#read();
  }

  // Nothing is sent before the start, so nothing is answered either.
  get #mailbox(): MailboxLease {
    if (this.#lease === undefined) throw new HawserError("internal", "sender used before it was started");
    return this.#lease;
  }

  /** A live entry from the lease. */
  entry(entry: MailboxEntry): void {
    if (entry.version > this.#newest) this.#newest = entry.version;
    if (entry.version <= this.#cursor) return;
    if (!this.#caughtUp) {
      this.#passOver(entry);
      return;
    }
    if (this.#writer.held >= this.#maxHeld || this.#holdsBackAll || !this.#mayHold(entry.bytes)) {
      // Left on disk: reading goes on from the cursor when there is room again.
      this.#caughtUp = false;
      this.#passOver(entry);
      if (this.#writer.starved) this.#host.ready();
      return;
    }
    this.#offer(entry);
    this.#count();
    this.#host.ready();
  }

  /**
   * Events were purged: they leave wherever they wait, and what waits behind them goes on. What is in flight keeps its place until it is answered or its resend would be due, because the
   * peer may be applying it. Answers how many those are.
   */
  purged(gone: readonly PurgedEntry[]): number {
    const byResource = new Map<string, Set<number>>();
    for (const { resourceid, version } of gone) {
      const versions = byResource.get(resourceid);
      if (versions === undefined) byResource.set(resourceid, new Set([version]));
      else versions.add(version);
      this.#pages.purged(version);
    }
    let inFlight = 0;
    for (const [resourceid, versions] of byResource) {
      inFlight += this.#writer.purge(resourceid, versions);
      this.#aside.purged(resourceid, versions);
      this.#letGoBehind(resourceid);
    }
    this.#count();
    this.#host.ready();
    return inFlight;
  }

  /** Hands to `send` what may go now, until it answers false or others have their turn. */
  pump(send: (entry: Deliverable) => boolean): void {
    const { clock, observer } = { clock: this.#options.runtime.clock, observer: this.#options.observer };
    const now = clock.now();
    const wall = clock.wallTime();
    this.#aside.advance(now);
    this.#share.begin();
    let writable = true;
    while (writable && this.#share.hasRoomFor(this.#writer.nextBytes(now) ?? 0)) {
      const next = this.#writer.take(now, wall);
      if (next === undefined) break;
      if (next.kind === "gaveWay") {
        this.#letGoBehind(next.entry.event.resourceid);
        continue;
      }
      if (next.kind === "expired") {
        const { event, version } = next.entry;
        const error = new HawserError(
          "expired",
          `expired at ${event.expirytime ?? "an unknown time"} before it was applied`,
        );
        this.#deadLetter(event, version, error);
        continue;
      }
      const sent = this.#trySend(next.entry, send);
      if (sent === "given up") continue;
      writable = sent;
      this.#share.sent(next.entry.bytes);
      observer?.sent?.(next.entry.event, next.attempt);
    }
    this.#count();
    this.#refill();
  }

  // What its receiver could not read, or no codec can write, would end each session in turn: it is given up instead, and its resource goes on.
  #trySend(entry: Deliverable, send: (entry: Deliverable) => boolean): boolean | "given up" {
    const problem = entry.checked === true ? undefined : sendProblem(entry.event, entry.bytes);
    if (problem === undefined) {
      try {
        return send(entry);
      } catch (thrown) {
        if (!(thrown instanceof HawserError) || thrown.code !== "invalid_event") throw thrown;
        this.#giveUp(entry, thrown);
        return "given up";
      }
    }
    this.#giveUp(entry, problem);
    return "given up";
  }

  #giveUp({ event, version }: Deliverable, error: HawserError): void {
    const { resourceid, eventid } = event;
    const { code, message } = error;
    const refusal: Nack = { type: "nack", resourceid, eventid, retryable: false, code, message };
    const result = this.#writer.nack(refusal, this.#options.runtime.clock.now());
    if (result.kind === "deadLetter") this.#deadLetter(event, version, error);
  }

  /** How many events the peer says it has recorded, with the ACKs that follow. */
  peerRecorded(count: number): void {
    this.#mailbox.peerRecorded(count);
  }

  ack(key: EventKey): void {
    const result = this.#writer.ack(key, this.#options.runtime.clock.now());
    if (result.kind === "unknown") return;
    this.#mailbox.acknowledge(result.version);
    this.#letGoBehind(key.resourceid);
    const { version, rttMs } = result;
    this.#options.observer?.acked?.({ resourceid: key.resourceid, version, rttMs });
    this.#host.ready();
  }

  nack(nack: Nack): void {
    const result = this.#writer.nack(nack, this.#options.runtime.clock.now());
    if (result.kind === "unknown") return;
    this.#letGoBehind(nack.resourceid);
    this.#options.observer?.nacked?.(nack);
    if (result.kind === "deadLetter") {
      const { event, version } = result.entry;
      this.#deadLetter(event, version, new HawserError(nack.code, nack.message));
    }
    this.#host.ready();
  }

  /** Nothing new goes out; ACKs still count. */
  quiesce(): void {
    this.#writer.quiesce();
  }

  /** Monotonic time of the next thing to do, in milliseconds; undefined when only an input can change anything. */
  nextWakeAt(): number | undefined {
    if (this.#share.isWaiting) return undefined;
    const writerAt = this.#writer.nextWakeAt();
    const asideAt = this.#aside.nextAt();
    if (writerAt === undefined || asideAt === undefined) return writerAt ?? asideAt;
    return Math.min(writerAt, asideAt);
  }

  stop(): void {
    this.#stopped = true;
    this.#count();
  }

  // Answers change what is held, too; they ask for a pump, which counts.
  #count(): void {
    const held = this.#stopped ? 0 : this.#writer.heldBytes;
    this.#options.readAhead.changed(held - this.#countedBytes);
    this.#countedBytes = held;
  }

  #mayHold(bytes: number): boolean {
    if (this.#writer.held === 0) return true;
    this.#count();
    return bytes <= this.#allowance;
  }

  #offer(entry: MailboxEntry, spill = false): void {
    const { version, event } = entry;
    this.#cursor = version;
    if (version > this.#newest) this.#newest = version;
    const { resourceid } = event;
    if (this.#spilled.get(resourceid) !== undefined || (spill && this.#isFull(resourceid))) {
      this.#spilled.leave(resourceid, version);
      this.#passOver(entry);
    } else if (this.#heldBack.holdsBack(entry)) this.#passOver(entry);
    else this.#writer.offer(entry);
    this.#heldBack.seen(entry);
  }

  /** The first event of a resource may be another one now. If nothing is left of it up to its delete, the next uid of its name is read. */
  #letGoBehind(resourceid: string): void {
    const version = this.#heldBack.deleteOf(resourceid);
    if (version === undefined) return;
    const turn = this.#writer.turnOf(resourceid);
    const first = turn?.version ?? (this.#spilled.get(resourceid) ?? this.#heldBack.get(resourceid))?.from;
    if (first !== undefined && first <= version) return;
    for (const { resourceid: next, from, to } of this.#heldBack.answered(resourceid))
      this.#spilled.putBack(next, from, to);
  }

  get #holdsBackAll(): boolean {
    return this.#heldBack.size >= this.#maxHeld;
  }

  /** An entry stays on disk, and supersedes what is held, or what is just being read. */
  #passOver({ version, event: { resourceid, type } }: MailboxEntry): void {
    if (eventClass(type) === "command") return;
    const passed = { version, event: { resourceid, type } };
    this.#writer.passedOver(passed);
    this.#aside.newer(passed);
    this.#pages.passedOver(passed);
  }

  /** Where bytes are short, what waits behind the first event of a resource only takes room: it goes when that was answered. */
  get #heldPerResource(): number {
    return this.#isTight ? 1 : this.#maxPerResource;
  }

  #isFull(resourceid: string): boolean {
    return this.#writer.heldOf(resourceid) >= this.#heldPerResource;
  }

  get #isTight(): boolean {
    const { heldBytes } = this.#writer;
    return heldBytes > this.#options.readAhead.sessionBytes / 2 || heldBytes > this.#allowance;
  }

  #refill(): void {
    if (this.#pages.isReading || this.#stopped) return;
    const waiting = this.#toReadBack();
    if (waiting !== undefined || !this.#caughtUp) this.#makeRoom();
    const spilled = this.#mayReadBack ? waiting : undefined;
    if (spilled === undefined && (this.#caughtUp || !this.#hasRoom)) return;
    void (spilled === undefined ? this.#read() : this.#readBack(spilled)).then(
      () => this.#host.ready(),
      (thrown: unknown) => this.#host.fail(HawserError.from(thrown, "store_unavailable")),
    );
  }

  #toReadBack(): Spilled | undefined {
    if (this.#spilled.size === 0 || !(this.#mayReadBack || this.#writer.starved)) return undefined;
    const enough = this.#heldPerResource / 2;
    return this.#spilled.find((id) => this.#writer.heldOf(id) <= enough && !this.#aside.isDelayed(id));
  }

  /** What stands still for longest gives way to what could be read. */
  #makeRoom(): void {
    const now = this.#options.runtime.clock.now();
    while (
      this.#writer.starved &&
      this.#writer.held > 0 &&
      this.#allowance < this.#options.readAhead.minReadBytes
    ) {
      if (this.#aside.size >= this.#maxHeld * STARVED_FACTOR) return;
      const aside = this.#writer.setAside(now);
      if (aside === undefined) return;
      this.#spilled.putBack(aside.resourceid, aside.from, aside.to);
      this.#aside.add(aside);
      this.#count();
    }
  }

  get #hasRoom(): boolean {
    const { held, heldBytes, starved } = this.#writer;
    if (this.#holdsBackAll) return false;
    if (held === 0) return true;
    if (this.#allowance < this.#options.readAhead.minReadBytes) return false;
    const { sessionBytes } = this.#options.readAhead;
    if (starved) return held < this.#maxHeld * STARVED_FACTOR;
    return held <= this.#maxHeld / 2 && heldBytes <= sessionBytes / 2;
  }

  get #mayReadBack(): boolean {
    return (
      this.#spilled.size > 0 &&
      (this.#writer.held === 0 || this.#allowance >= this.#options.readAhead.minReadBytes)
    );
  }

  get #allowance(): number {
    const { held, heldBytes, starved } = this.#writer;
    return this.#options.readAhead.allowance(heldBytes, held > 0 && starved);
  }

  async #read(): Promise<void> {
    const { held, starved } = this.#writer;
    const wanted = Math.max(this.#maxHeld - held, starved ? this.#maxHeld / 4 : 1);
    // What holds half of the room and stands still is not to keep the rest from being read.
    const spill = starved && (held > this.#maxHeld / 2 || this.#isTight);
    const heardOf = this.#newest;
    const page = await this.#page(this.#cursor, wanted);
    const heard = this.#pages.finish();
    if (heard === undefined || this.#stopped) return;
    for (const entry of page.entries) {
      if (this.#pages.isGone(entry.version)) this.#cursor = entry.version;
      else this.#offer(entry, spill);
    }
    for (const each of heard) this.#writer.passedOver(each);
    // What was heard of before the read and is not in it is gone, such as the status of a resource that was deleted: waiting for it would be reading for ever.
    if (page.isAll) this.#cursor = Math.max(this.#cursor, heardOf);
    // A live entry that arrived during the read and was not in it is still on disk, behind the cursor's next read.
    this.#caughtUp = page.isAll && this.#newest <= this.#cursor;
    this.#count();
  }

  /** Brings more of a resource into memory, and of others on the way, whose rest was left on disk; what is not there any more was superseded. */
  async #readBack({ resourceid, from, to }: Spilled): Promise<void> {
    const wanted = 2 * this.#maxPerResource * Math.min(this.#spilled.size, MAX_READ_BACK_AT_ONCE);
    const page = await this.#page(from - 1, wanted);
    const heard = this.#pages.finish();
    if (heard === undefined || this.#stopped) return;
    const full = new Set<string>();
    for (const entry of page.entries) {
      const id = entry.event.resourceid;
      const spilled = this.#spilled.get(id);
      if (spilled === undefined || full.has(id) || this.#pages.isGone(entry.version)) continue;
      if (entry.version < spilled.from || entry.version > spilled.to) continue;
      // What lies before this page would have to come first.
      if (spilled.from < from) continue;
      if (this.#isFull(id) || this.#aside.isDelayed(id)) full.add(id);
      else {
        this.#writer.offerLate(entry, this.#aside.refusedOf(id, entry.version));
        this.#aside.readBack(id);
      }
      this.#spilled.readUpTo(id, full.has(id) ? entry.version - 1 : entry.version);
      this.#letGoBehind(id);
    }
    for (const each of heard) this.#writer.passedOver(each);
    const end = page.isAll ? to : (page.entries.at(-1)?.version ?? to);
    if (!full.has(resourceid)) {
      this.#spilled.readUpTo(resourceid, Math.min(end, to));
      this.#aside.readBack(resourceid);
      this.#letGoBehind(resourceid);
    }
    this.#count();
  }

  #page(after: number, wanted: number): Promise<Page> {
    return this.#pages.read(this.#mailbox, after, wanted, Math.max(1, this.#allowance));
  }

  // The lane of the resource waits until the dead letter is on disk; otherwise a later event could make a crash swallow this one.
  #deadLetter(event: HawserEvent, version: number, error: HawserError): void {
    if (event.type === OUTPUT_REQUEST_TYPE) {
      // Nobody would send it again, and nothing comes of it that could be missed.
      this.#mailbox.acknowledge(version);
      this.#writer.settled(version);
      return;
    }
    const reason = { code: error.code, message: error.message, at: this.#options.runtime.clock.wallTime() };
    const written = this.#mailbox.deadLetter(version, reason).then(
      (isMoved) => {
        // It is on disk, also when the session ended meanwhile: nobody else will tell.
        if (isMoved) this.#options.observer?.deadLettered?.(event, error.code, error.message);
        if (this.#stopped) return;
        this.#writer.settled(version);
        this.#letGoBehind(event.resourceid);
        this.#host.ready();
      },
      (thrown: unknown) => this.#host.fail(HawserError.from(thrown, "store_unavailable")),
    );
    written.catch((thrown: unknown) => this.#host.fail(HawserError.from(thrown)));
  }
}
