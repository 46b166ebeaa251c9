import { type Random, TokenBucket } from "@hawser/runtime";
import { ActiveHandshakes } from "./active-handshakes.js";
import { AdmissionRamp } from "./admission-ramp.js";
import type { AdmissionSettings } from "./admission-settings.js";
import { CapacityMeter } from "./capacity-meter.js";
import { FairLine } from "./fair-line.js";
import { SourceFailures } from "./source-failures.js";
import { SlotSchedule } from "./slot-schedule.js";

/** What to do with one client. */
export type Admission<Client> =
  /** Its handshake may begin; call `finished` when it is over. */
  | { readonly kind: "admitted"; readonly client: Client }
  /** Its handshake is complete, and it may become a session. */
  | { readonly kind: "opens"; readonly client: Client }
  /** It must come back later; call `finished` when it has been refused. */
  | { readonly kind: "refused"; readonly client: Client; readonly retryAfterMs: number }
  /** Its handshake takes so much longer than others that it loses its place; it may still succeed. */
  | { readonly kind: "stalled"; readonly client: Client }
  /** Its handshake took too long: cut it. */
  | { readonly kind: "expired"; readonly client: Client }
  /** It waited in vain to be refused, behind `maxRefusing` others: cut it. */
  | { readonly kind: "unheard"; readonly client: Client };

/** What the queue holds and has done, for people and metrics. */
export interface AdmissionStats {
  readonly waiting: number;
  readonly handshakes: number;
  /** Of these: far slower than others, so that they have lost their place. */
  readonly stalled: number;
  /** Being refused with a time to come back. */
  readonly refusing: number;
  /** Sources whose connections failed so often that the next has to wait. */
  readonly slowedSources: number;
  readonly admitted: number;
  readonly refused: number;
  readonly expired: number;
  /**
   * New connections a second admitted now: the configured rate, or less while the ramp runs or
   * handshakes take longer.
   */
  readonly ratePerSecond: number;
}

/** Slots are spaced for no less than this share of the configured rate. */
const LEAST_SLOT_SHARE = 0.1;

/**
 * Decides which client is admitted when. Pure: clients and the time go in, decisions and the next
 * wake time come out.
 *
 * Sources alternate, and each is first come, first served, at a bounded rate and number. The line is
 * no longer than what can be admitted while a client waits. A client that finds it full, or waits
 * too long, is given a slot: a time of its own, spaced by what this principal needs for one client,
 * so that refused clients come back one by one and not at once. A refusal costs a handshake, so only
 * `maxRefusing` happen at once; the others wait for theirs in line.
 *
 * The rate applies twice: to handshakes that begin, because they cost, and to sessions that open,
 * because a machine that stood still for a moment would complete all its handshakes in the next one.
 */
export class AdmissionQueue<Client extends object> {
  readonly #random: Random;
  #settings: AdmissionSettings;
  readonly #ramp: AdmissionRamp;
  readonly #bucket: TokenBucket;
  readonly #openings: TokenBucket;
  readonly #meter = new CapacityMeter();
  #slots: SlotSchedule;
  /** Clients beyond the line get in if a place falls free within the same moment. */
  readonly #line = new FairLine<Client>();
  readonly #active = new ActiveHandshakes<Client>();
  readonly #failures: SourceFailures<Client>;
  /** Of a handshake; the setting, or less while there are too many of them. */
  #timeoutMs: number;
  #admitted = 0;
  #refused = 0;
  #expired = 0;

  constructor(settings: AdmissionSettings, random: Random, nowMs: number) {
    this.#settings = settings;
    this.#timeoutMs = settings.handshakeTimeoutMs;
    this.#random = random;
    this.#failures = new SourceFailures(settings.failuresPerSecond);
    this.#ramp = new AdmissionRamp(nowMs, settings.rampMs);
    this.#bucket = new TokenBucket((atMs) => this.#rateAt(atMs), settings.burst, nowMs);
    this.#openings = new TokenBucket((atMs) => this.#rateAt(atMs), settings.burst, nowMs);
    if (settings.rampMs > 0) for (const bucket of [this.#bucket, this.#openings]) bucket.empty(nowMs);
    this.#slots = new SlotSchedule({ random, maxSlotMs: settings.maxSlotMs });
  }

  /** Adds a client to the line. Call `take` afterwards. */
  arrived(client: Client, nowMs: number, source = ""): void {
    this.#line.add(client, source, nowMs, this.#places(nowMs));
  }

  /** Refuses a client that comes while nobody is admitted. */
  turnAway(client: Client, nowMs: number): Extract<Admission<Client>, { kind: "refused" | "unheard" }> {
    return this.#canRefuse() ? this.#refuse(client, nowMs) : this.#giveUp(client);
  }

  /** Bounds handshakes further, those under way included. */
  hurry(timeoutMs: number): void {
    this.#timeoutMs = Math.min(timeoutMs, this.#settings.handshakeTimeoutMs);
  }

  /**
   * The handshake is complete: `take` says when the client may become a session. False for a client
   * that has no handshake under way.
   */
  ready(client: Client, nowMs: number): boolean {
    this.#measure(client, nowMs);
    return this.#active.complete(client, nowMs);
  }

  /**
   * The handshake is over, or the client is gone, also from the line. Ignores unknown clients.
   */
  finished(client: Client, nowMs: number): void {
    this.#line.delete(client);
    this.#failures.settled(client);
    this.#measure(client, nowMs);
    this.#active.delete(client);
  }

  /** An admitted client of this source failed by its own fault; `finished` follows. */
  failed(client: Client, source: string, nowMs: number): void {
    this.#failures.failed(client, source, nowMs);
  }

  /** The next decision; call it until it answers undefined. */
  take(nowMs: number): Admission<Client> | undefined {
    return (
      this.#takeExpired(nowMs) ??
      this.#takeStalled(nowMs) ??
      this.#takeOpening(nowMs) ??
      this.#takeAdmitted(nowMs) ??
      this.#takeRefused(nowMs)
    );
  }

  /** When `take` next answers if nothing else happens; undefined when only an input changes that. */
  nextWakeAt(nowMs: number): number | undefined {
    let at = this.#active.nextDeadline(this.#timeoutMs);
    if (this.#active.ready.size > 0) at = Math.min(at, this.#openings.nextAtMs(nowMs));
    const due = this.#firstDue(nowMs);
    if (due !== undefined) {
      at = Math.min(at, due.atMs);
      if (this.#hasPlace()) {
        const next = this.#next(nowMs);
        at = Math.min(at, Math.max(this.#bucket.nextAtMs(nowMs), "atMs" in next ? next.atMs : nowMs));
      }
    }
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  /** Changes the settings, for handshakes under way as well; the ramp does not restart. */
  configure(settings: AdmissionSettings, nowMs: number): void {
    for (const bucket of [this.#bucket, this.#openings]) bucket.setBurst(settings.burst, nowMs);
    if (settings.maxSlotMs !== this.#settings.maxSlotMs)
      this.#slots = new SlotSchedule({ random: this.#random, maxSlotMs: settings.maxSlotMs });
    this.#failures.setRate(settings.failuresPerSecond);
    this.#settings = settings;
    this.#timeoutMs = settings.handshakeTimeoutMs;
  }

  /** A slot for a client that is refused elsewhere, behind all others. In milliseconds from now. */
  slot(nowMs: number): number {
    const { ratePerSecond } = this.#settings;
    const measured = this.#meter.perSecond(nowMs) ?? ratePerSecond;
    // While the machine or the clients stand still, the measurement says little of the capacity
    // afterwards, and a slot cannot be taken back.
    const perSecond = Math.min(ratePerSecond, Math.max(measured, LEAST_SLOT_SHARE * ratePerSecond));
    const missed = this.#ramp.secondsMissing(nowMs) * ratePerSecond;
    // Clients beyond the line are about to get slots of their own.
    const ahead = this.#line.size - this.#line.beyond.size;
    return this.#slots.next(nowMs, perSecond, ahead + missed);
  }

  stats(nowMs: number): AdmissionStats {
    return {
      waiting: this.#line.size,
      handshakes: this.#active.size,
      stalled: this.#active.stalled.size,
      refusing: this.#active.refusing.size,
      slowedSources: this.#failures.slowed(nowMs),
      admitted: this.#admitted,
      refused: this.#refused,
      expired: this.#expired,
      ratePerSecond: Math.min(this.#rateAt(nowMs), this.#meter.perSecond(nowMs) ?? Number.POSITIVE_INFINITY),
    };
  }

  #rateAt(nowMs: number): number {
    return this.#settings.ratePerSecond * this.#ramp.shareAt(nowMs);
  }

  #takeExpired(nowMs: number): Admission<Client> | undefined {
    const client = this.#active.takeExpired(this.#timeoutMs, nowMs);
    if (client === undefined) return undefined;
    this.#expired += 1;
    return { kind: "expired", client };
  }

  #takeStalled(nowMs: number): Admission<Client> | undefined {
    const isSaturated = this.#isSaturated;
    const client = this.#active.takeStalled(nowMs);
    if (client === undefined) return undefined;
    this.#meter.finished(nowMs, isSaturated);
    return { kind: "stalled", client };
  }

  #takeOpening(nowMs: number): Admission<Client> | undefined {
    if (this.#active.ready.size === 0 || !this.#openings.take(nowMs)) return undefined;
    const client = this.#active.takeReady();
    return client && { kind: "opens", client };
  }

  #takeAdmitted(nowMs: number): Admission<Client> | undefined {
    if (!this.#hasPlace()) return undefined;
    const next = this.#next(nowMs);
    if ("atMs" in next || !this.#bucket.take(nowMs)) return undefined;
    const { client, source } = next;
    this.#line.served(client);
    this.#failures.admitted(client, source, nowMs);
    this.#active.running.set(client, nowMs);
    this.#admitted += 1;
    return { kind: "admitted", client };
  }

  #takeRefused(nowMs: number): Admission<Client> | undefined {
    if (this.#canRefuse())
      for (const client of this.#line.beyond)
        return this.#mayRefuse(this.#line.sourceOf(client) ?? "", nowMs)
          ? this.#refuse(client, nowMs)
          : this.#giveUp(client);
    const due = this.#firstDue(nowMs);
    if (due === undefined || due.atMs > nowMs) return undefined;
    return this.#mayRefuse(due.source, nowMs) ? this.#refuse(due.client, nowMs) : this.#giveUp(due.client);
  }

  // A client that cannot be refused yet waits longer: cut, it would return early, at the line's end.
  #firstDue(nowMs: number): ReturnType<FairLine<Client>["firstDue"]> {
    const { maxWaitMs } = this.#settings;
    const oldest = this.#line.oldest();
    // No wait ends before that of the oldest, which mostly answers the question.
    if (oldest === undefined || oldest.sinceMs + maxWaitMs > nowMs)
      return oldest && { ...oldest, atMs: oldest.sinceMs + maxWaitMs };
    return this.#line.firstDue((source) =>
      this.#mayRefuse(source, nowMs) ? maxWaitMs : maxWaitMs + this.#timeoutMs,
    );
  }

  #next(nowMs: number): ReturnType<FairLine<Client>["next"]> {
    return this.#line.next((source) => this.#failures.readyAtMs(source, nowMs), nowMs);
  }

  // A refusal costs a handshake, for which a source with failed handshakes has to wait.
  #mayRefuse(source: string, nowMs: number): boolean {
    return this.#canRefuse() && this.#failures.readyAtMs(source, nowMs) <= nowMs;
  }

  #giveUp(client: Client): Extract<Admission<Client>, { kind: "unheard" }> {
    this.#line.delete(client);
    return { kind: "unheard", client };
  }

  #refuse(client: Client, nowMs: number): Extract<Admission<Client>, { kind: "refused" }> {
    this.#line.delete(client);
    this.#active.refusing.set(client, nowMs);
    this.#refused += 1;
    return { kind: "refused", client, retryAfterMs: this.slot(nowMs) };
  }

  #canRefuse(): boolean {
    return this.#active.refusing.size < this.#settings.maxRefusing;
  }

  /**
   * How long the line may be: a client that cannot be admitted within its wait is refused at once,
   * and not at the end of the wait together with all others.
   */
  #places(nowMs: number): number {
    const { ratePerSecond, maxWaitMs, maxWaiting } = this.#settings;
    const seconds = maxWaitMs / 1_000 - this.#ramp.secondsMissing(nowMs, nowMs + maxWaitMs);
    return Math.min(maxWaiting, Math.ceil(ratePerSecond * seconds));
  }

  #hasPlace(): boolean {
    return this.#active.takenPlaces < this.#settings.maxHandshakes;
  }

  get #isSaturated(): boolean {
    return this.#active.running.size >= this.#settings.maxHandshakes && this.#line.size > 0;
  }

  /** Tells the meter that a handshake under way is over. */
  #measure(client: Client, nowMs: number): void {
    if (this.#active.running.has(client)) this.#meter.finished(nowMs, this.#isSaturated);
  }
}
