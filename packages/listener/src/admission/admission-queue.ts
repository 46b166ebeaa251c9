import { type Random, TokenBucket } from "@hawser/runtime";
import { AdmissionRamp } from "./admission-ramp.js";
import type { AdmissionSettings } from "./admission-settings.js";
import { CapacityMeter } from "./capacity-meter.js";
import { FairLine } from "./fair-line.js";
import { HandshakePace } from "./handshake-pace.js";
import { SourceFailures } from "./source-failures.js";
import { SlotSchedule } from "./slot-schedule.js";

/** What is to be done with one client. */
export type Admission<Client> =
  /** Its handshake may begin; `finished` when it is over. */
  | { readonly kind: "admitted"; readonly client: Client }
  /** Its handshake is through, and now is its turn to become a session. */
  | { readonly kind: "opens"; readonly client: Client }
  /** It has to go and come back; `finished` when it has been told. */
  | { readonly kind: "refused"; readonly client: Client; readonly retryAfterMs: number }
  /** Its handshake takes so much longer than others that it has given its place up; it may still come through. */
  | { readonly kind: "stalled"; readonly client: Client }
  /** Its handshake took too long: it is to be cut off. */
  | { readonly kind: "expired"; readonly client: Client }
  /** So many others were being told to come back that its turn to hear it never came: it is to be cut off. */
  | { readonly kind: "unheard"; readonly client: Client };

/** What the queue holds and has done, for people and metrics. */
export interface AdmissionStats {
  readonly waiting: number;
  readonly handshakes: number;
  /** Of these: far slower than others, so that they have given up their place. */
  readonly stalled: number;
  /** Being told to come back. */
  readonly refusing: number;
  /** Whose connections have come to nothing so often that the next has to wait. */
  readonly slowedSources: number;
  readonly admitted: number;
  readonly refused: number;
  readonly expired: number;
  /** New connections a second that are let in now: of the settings, or less while the ramp runs or handshakes take longer. */
  readonly ratePerSecond: number;
}

/** Slots are spaced for no less than this share of the configured rate. */
const LEAST_SLOT_SHARE = 0.1;

/**
 * Decides who gets in when. Pure: clients and the time go in, decisions and the next wake time come out.
 *
 * Sources take turns; within one it is first come, first served, at most so many a second and so many at once. The line is no longer than what can be let in while a client
 * waits. Who finds it full, or stands in it too long, is given a slot: a time of its own, as far behind the one before as this principal needs for one client. So those who were
 * turned away come back one after the other, at the rate at which they can be taken, and not all at once. Telling costs a handshake, so only so many are told at once; the
 * others wait for it where they are.
 *
 * The rate holds twice: handshakes begin at it, because they cost, and sessions open at it, because a machine that was held up for a moment would finish all the
 * handshakes of that moment in the next one.
 */
export class AdmissionQueue<Client extends object> {
  readonly #random: Random;
  #settings: AdmissionSettings;
  #ramp: AdmissionRamp;
  readonly #bucket: TokenBucket;
  readonly #openings: TokenBucket;
  readonly #meter = new CapacityMeter();
  #slots: SlotSchedule;
  /** Those beyond the line get in if their turn comes within the same moment. */
  readonly #line = new FairLine<Client>();
  readonly #pace = new HandshakePace();
  readonly #failures: SourceFailures<Client>;
  /** When each handshake under way began, earliest first. */
  readonly #handshakes = new Map<Client, number>();
  /** The same of those that have stalled. They take no place. */
  readonly #stalled = new Map<Client, number>();
  /** The same of those that are through and wait for their turn to open, first come first. They take no place, and no machine is slow because of them. */
  readonly #ready = new Map<Client, number>();
  /** The same of those whose turn has come, until `finished`. */
  readonly #opening = new Map<Client, number>();
  /** Those that are being told to come back, since when. */
  readonly #refusing = new Map<Client, number>();
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

  /** Somebody has connected: call `take` now. */
  arrived(client: Client, nowMs: number, source = ""): void {
    this.#line.add(client, source, nowMs, this.#places(nowMs));
  }

  /** Somebody has connected while nobody is let in. */
  turnAway(client: Client, nowMs: number): Extract<Admission<Client>, { kind: "refused" | "unheard" }> {
    return this.#canRefuse() ? this.#refuse(client, nowMs) : this.#giveUp(client);
  }

  /** Handshakes may take only so long now, those under way too. */
  hurry(timeoutMs: number): void {
    this.#timeoutMs = Math.min(timeoutMs, this.#settings.handshakeTimeoutMs);
  }

  /** Its handshake is through: `take` says when it may become a session. False for a client that has no handshake under way. */
  ready(client: Client, nowMs: number): boolean {
    const begunAtMs = this.#handshakes.get(client) ?? this.#stalled.get(client);
    if (begunAtMs === undefined) return false;
    this.#pace.finished(nowMs - begunAtMs);
    this.#leaveHandshakes(client, nowMs);
    this.#ready.set(client, begunAtMs);
    return true;
  }

  /** The handshake is over, or the client is gone; also the way to give up a place in the line. Unknown clients are ignored. */
  finished(client: Client, nowMs: number): void {
    this.#line.delete(client);
    this.#ready.delete(client);
    this.#opening.delete(client);
    this.#refusing.delete(client);
    this.#failures.settled(client);
    this.#leaveHandshakes(client, nowMs);
  }

  /** A client of this source that was let in came to nothing, by its own doing; `finished` follows. */
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

  /** When `take` will next have something if nothing else happens; undefined when only an input can change that. */
  nextWakeAt(nowMs: number): number | undefined {
    let at = Number.POSITIVE_INFINITY;
    for (const places of this.#underWay())
      for (const begunAtMs of places.values()) {
        at = Math.min(at, begunAtMs + this.#timeoutMs);
        break;
      }
    for (const begunAtMs of this.#handshakes.values()) {
      at = Math.min(at, begunAtMs + this.#pace.stalledAfterMs);
      break;
    }
    if (this.#ready.size > 0) at = Math.min(at, this.#openings.nextAtMs(nowMs));
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

  /** Other settings from now on, for handshakes under way too; the ramp is not begun anew. */
  configure(settings: AdmissionSettings, nowMs: number): void {
    for (const bucket of [this.#bucket, this.#openings]) bucket.setBurst(settings.burst, nowMs);
    if (settings.maxSlotMs !== this.#settings.maxSlotMs)
      this.#slots = new SlotSchedule({ random: this.#random, maxSlotMs: settings.maxSlotMs });
    this.#failures.setRate(settings.failuresPerSecond);
    this.#settings = settings;
    this.#timeoutMs = settings.handshakeTimeoutMs;
  }

  /** A slot for somebody who is refused for another reason than the line: it comes behind all others. In milliseconds from now. */
  slot(nowMs: number): number {
    const { ratePerSecond } = this.#settings;
    const measured = this.#meter.perSecond(nowMs) ?? ratePerSecond;
    // While the machine, or a network full of slow clients, stands still, the reading says next to nothing of what can be taken afterwards; and a slot cannot be taken back.
    const perSecond = Math.min(ratePerSecond, Math.max(measured, LEAST_SLOT_SHARE * ratePerSecond));
    const missed = this.#ramp.secondsMissing(nowMs) * ratePerSecond;
    // Whoever came beyond the line is about to get a slot of its own.
    const ahead = this.#line.size - this.#line.beyond.size;
    return this.#slots.next(nowMs, perSecond, ahead + missed);
  }

  stats(nowMs: number): AdmissionStats {
    return {
      waiting: this.#line.size,
      handshakes: this.#handshakes.size + this.#stalled.size + this.#ready.size + this.#opening.size,
      stalled: this.#stalled.size,
      refusing: this.#refusing.size,
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
    for (const places of this.#underWay())
      for (const [client, begunAtMs] of places) {
        if (begunAtMs + this.#timeoutMs > nowMs) break;
        places.delete(client);
        this.#expired += 1;
        return { kind: "expired", client };
      }
    return undefined;
  }

  #takeStalled(nowMs: number): Admission<Client> | undefined {
    for (const [client, begunAtMs] of this.#handshakes) {
      if (begunAtMs + this.#pace.stalledAfterMs > nowMs) return undefined;
      this.#leaveHandshakes(client, nowMs);
      this.#stalled.set(client, begunAtMs);
      return { kind: "stalled", client };
    }
    return undefined;
  }

  #takeOpening(nowMs: number): Admission<Client> | undefined {
    for (const [client, begunAtMs] of this.#ready) {
      if (!this.#openings.take(nowMs)) return undefined;
      this.#ready.delete(client);
      this.#opening.set(client, begunAtMs);
      return { kind: "opens", client };
    }
    return undefined;
  }

  #takeAdmitted(nowMs: number): Admission<Client> | undefined {
    if (!this.#hasPlace()) return undefined;
    const next = this.#next(nowMs);
    if ("atMs" in next || !this.#bucket.take(nowMs)) return undefined;
    const { client, source } = next;
    this.#line.served(client);
    this.#failures.admitted(client, source, nowMs);
    this.#handshakes.set(client, nowMs);
    this.#admitted += 1;
    return { kind: "admitted", client };
  }

  #takeRefused(nowMs: number): Admission<Client> | undefined {
    if (this.#canRefuse())
      for (const client of this.#line.beyond)
        return this.#mayBeTold(this.#line.sourceOf(client) ?? "", nowMs)
          ? this.#refuse(client, nowMs)
          : this.#giveUp(client);
    const due = this.#firstDue(nowMs);
    if (due === undefined || due.atMs > nowMs) return undefined;
    return this.#mayBeTold(due.source, nowMs) ? this.#refuse(due.client, nowMs) : this.#giveUp(due.client);
  }

  /** Who cannot be told to come back waits for longer: it would be back sooner than its turn comes, at the end of the line. */
  #firstDue(nowMs: number): ReturnType<FairLine<Client>["firstDue"]> {
    const { maxWaitMs } = this.#settings;
    const oldest = this.#line.oldest();
    // Nobody's wait is over before this: most of the time that is all there is to know.
    if (oldest === undefined || oldest.sinceMs + maxWaitMs > nowMs)
      return oldest && { ...oldest, atMs: oldest.sinceMs + maxWaitMs };
    return this.#line.firstDue((source) =>
      this.#mayBeTold(source, nowMs) ? maxWaitMs : maxWaitMs + this.#timeoutMs,
    );
  }

  #next(nowMs: number): ReturnType<FairLine<Client>["next"]> {
    return this.#line.next((source) => this.#failures.readyAtMs(source, nowMs), nowMs);
  }

  /** To tell somebody costs a handshake, which is just what a source has to wait for whose handshakes came to nothing. */
  #mayBeTold(source: string, nowMs: number): boolean {
    return this.#canRefuse() && this.#failures.readyAtMs(source, nowMs) <= nowMs;
  }

  #giveUp(client: Client): Extract<Admission<Client>, { kind: "unheard" }> {
    this.#line.delete(client);
    return { kind: "unheard", client };
  }

  #refuse(client: Client, nowMs: number): Extract<Admission<Client>, { kind: "refused" }> {
    this.#line.delete(client);
    this.#refusing.set(client, nowMs);
    this.#refused += 1;
    return { kind: "refused", client, retryAfterMs: this.slot(nowMs) };
  }

  #canRefuse(): boolean {
    return this.#refusing.size < this.#settings.maxRefusing;
  }

  /** How long the line may be: whoever could not be let in before its wait is over hears so at once, and not at the end of it, together with all the others. */
  #places(nowMs: number): number {
    const { ratePerSecond, maxWaitMs, maxWaiting } = this.#settings;
    const seconds = maxWaitMs / 1_000 - this.#ramp.secondsMissing(nowMs, nowMs + maxWaitMs);
    return Math.min(maxWaiting, Math.ceil(ratePerSecond * seconds));
  }

  // Who only waits for a turn costs nothing, and turns come as fast as handshakes begin: there are never many more of them than handshakes may be.
  #hasPlace(): boolean {
    return this.#handshakes.size + this.#opening.size < this.#settings.maxHandshakes;
  }

  #leaveHandshakes(client: Client, nowMs: number): void {
    if (this.#stalled.delete(client)) return;
    const saturated = this.#handshakes.size >= this.#settings.maxHandshakes && this.#line.size > 0;
    if (this.#handshakes.delete(client)) this.#meter.finished(nowMs, saturated);
  }

  #underWay(): readonly Map<Client, number>[] {
    return [this.#stalled, this.#handshakes, this.#ready, this.#opening, this.#refusing];
  }
}
