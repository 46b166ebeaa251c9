import type { Random } from "@hawser/runtime";
import { AdmissionRamp } from "./admission-ramp.js";
import type { AdmissionSettings } from "./admission-settings.js";
import { CapacityMeter } from "./capacity-meter.js";
import { SlotSchedule } from "./slot-schedule.js";
import { TokenBucket } from "./token-bucket.js";

/** What is to be done with one client. */
export type Admission<Client> =
  /** Its handshake may begin; `finished` when it is over. */
  | { readonly kind: "admitted"; readonly client: Client }
  /** Its handshake is through, and now is its turn to become a session. */
  | { readonly kind: "opens"; readonly client: Client }
  /** It has to go and come back. */
  | { readonly kind: "refused"; readonly client: Client; readonly retryAfterMs: number }
  /** Its handshake took too long: it is to be cut off. */
  | { readonly kind: "expired"; readonly client: Client };

/** What the queue holds and has done, for people and metrics. */
export interface AdmissionStats {
  readonly waiting: number;
  readonly handshakes: number;
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
 * First come, first served, at most so many a second and so many at once. Who finds the line full, or stands in it too long, is given a slot: a time of its own, as far
 * behind the one before as this principal needs for one client. So those who were turned away come back one after the other, at the rate at which
 * they can be taken, and not all at once.
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
  /** Monotonic time at which each began to wait, first come first. */
  readonly #waiting = new Map<Client, number>();
  /** Those of them that found the line full. They get in if their turn comes within the same moment. */
  readonly #beyond = new Set<Client>();
  /** Deadlines of handshakes under way, earliest first as long as the setting stays. */
  readonly #handshakes = new Map<Client, number>();
  /** Deadlines of those that are through and wait for their turn to open, first come first. They take no place, and no machine is slow because of them. */
  readonly #ready = new Map<Client, number>();
  /** Deadlines of those whose turn has come, until `finished`. */
  readonly #opening = new Map<Client, number>();
  #admitted = 0;
  #refused = 0;
  #expired = 0;

  constructor(settings: AdmissionSettings, random: Random, nowMs: number) {
    this.#settings = settings;
    this.#random = random;
    this.#ramp = new AdmissionRamp(nowMs, settings.rampMs);
    this.#bucket = new TokenBucket((atMs) => this.#rateAt(atMs), settings.burst, nowMs);
    this.#openings = new TokenBucket((atMs) => this.#rateAt(atMs), settings.burst, nowMs);
    if (settings.rampMs > 0) for (const bucket of [this.#bucket, this.#openings]) bucket.empty(nowMs);
    this.#slots = new SlotSchedule({ random, maxSlotMs: settings.maxSlotMs });
  }

  /** Somebody is at the door: call `take` now. */
  arrived(client: Client, nowMs: number): void {
    if (this.#waiting.size >= this.#settings.maxWaiting) this.#beyond.add(client);
    this.#waiting.set(client, nowMs);
  }

  /** Its handshake is through: `take` says when it may become a session. False for a client that has no handshake under way. */
  ready(client: Client, nowMs: number): boolean {
    const deadlineMs = this.#handshakes.get(client);
    if (deadlineMs === undefined) return false;
    this.#leaveHandshakes(client, nowMs);
    this.#ready.set(client, deadlineMs);
    return true;
  }

  /** The handshake is over, or the client is gone; also the way to give up a place in the line. Unknown clients are ignored. */
  finished(client: Client, nowMs: number): void {
    this.#leaveLine(client);
    this.#ready.delete(client);
    this.#opening.delete(client);
    this.#leaveHandshakes(client, nowMs);
  }

  /** The next decision; call it until it answers undefined. */
  take(nowMs: number): Admission<Client> | undefined {
    return (
      this.#takeExpired(nowMs) ??
      this.#takeOpening(nowMs) ??
      this.#takeAdmitted(nowMs) ??
      this.#takeRefused(nowMs)
    );
  }

  /** When `take` will next have something if nothing else happens; undefined when only an input can change that. */
  nextWakeAt(nowMs: number): number | undefined {
    let at = Number.POSITIVE_INFINITY;
    for (const places of [this.#handshakes, this.#ready, this.#opening])
      for (const deadlineMs of places.values()) {
        at = Math.min(at, deadlineMs);
        break;
      }
    if (this.#ready.size > 0) at = Math.min(at, this.#openings.nextAtMs(nowMs));
    for (const sinceMs of this.#waiting.values()) {
      at = Math.min(at, sinceMs + this.#settings.maxWaitMs);
      if (this.#hasPlace()) at = Math.min(at, this.#bucket.nextAtMs(nowMs));
      break;
    }
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  /** Other settings from now on; deadlines of handshakes under way stay, and the ramp is not begun anew. */
  configure(settings: AdmissionSettings, nowMs: number): void {
    for (const bucket of [this.#bucket, this.#openings]) bucket.setBurst(settings.burst, nowMs);
    if (settings.maxSlotMs !== this.#settings.maxSlotMs)
      this.#slots = new SlotSchedule({ random: this.#random, maxSlotMs: settings.maxSlotMs });
    this.#settings = settings;
  }

  /** A slot for somebody who is refused for another reason than the line: it comes behind all others. In milliseconds from now. */
  slot(nowMs: number): number {
    const { ratePerSecond } = this.#settings;
    const measured = this.#meter.perSecond(nowMs) ?? ratePerSecond;
    // While the machine, or a network full of slow clients, stands still, the reading says next to nothing of what can be taken afterwards; and a slot cannot be taken back.
    const perSecond = Math.min(ratePerSecond, Math.max(measured, LEAST_SLOT_SHARE * ratePerSecond));
    const missed = this.#ramp.secondsMissing(nowMs) * ratePerSecond;
    // Whoever came beyond the line is about to get a slot of its own.
    const ahead = this.#waiting.size - this.#beyond.size;
    return this.#slots.next(nowMs, perSecond, ahead + missed);
  }

  stats(nowMs: number): AdmissionStats {
    return {
      waiting: this.#waiting.size,
      handshakes: this.#handshakes.size + this.#ready.size + this.#opening.size,
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
    for (const places of [this.#handshakes, this.#ready, this.#opening])
      for (const [client, deadlineMs] of places) {
        if (deadlineMs > nowMs) break;
        places.delete(client);
        this.#expired += 1;
        return { kind: "expired", client };
      }
    return undefined;
  }

  #takeOpening(nowMs: number): Admission<Client> | undefined {
    for (const [client, deadlineMs] of this.#ready) {
      if (!this.#openings.take(nowMs)) return undefined;
      this.#ready.delete(client);
      this.#opening.set(client, deadlineMs);
      return { kind: "opens", client };
    }
    return undefined;
  }

  #takeAdmitted(nowMs: number): Admission<Client> | undefined {
    if (!this.#hasPlace()) return undefined;
    for (const client of this.#waiting.keys()) {
      if (!this.#bucket.take(nowMs)) return undefined;
      this.#leaveLine(client);
      this.#handshakes.set(client, nowMs + this.#settings.handshakeTimeoutMs);
      this.#admitted += 1;
      return { kind: "admitted", client };
    }
    return undefined;
  }

  #takeRefused(nowMs: number): Admission<Client> | undefined {
    for (const client of this.#beyond) return this.#refuse(client, nowMs);
    for (const [client, sinceMs] of this.#waiting) {
      return nowMs - sinceMs < this.#settings.maxWaitMs ? undefined : this.#refuse(client, nowMs);
    }
    return undefined;
  }

  #refuse(client: Client, nowMs: number): Admission<Client> {
    this.#leaveLine(client);
    this.#refused += 1;
    return { kind: "refused", client, retryAfterMs: this.slot(nowMs) };
  }

  // Who only waits for a turn costs nothing, and turns come as fast as handshakes begin: there are never many more of them than handshakes may be.
  #hasPlace(): boolean {
    return this.#handshakes.size + this.#opening.size < this.#settings.maxHandshakes;
  }

  #leaveHandshakes(client: Client, nowMs: number): void {
    const saturated = this.#handshakes.size >= this.#settings.maxHandshakes && this.#waiting.size > 0;
    if (this.#handshakes.delete(client)) this.#meter.finished(nowMs, saturated);
  }

  // A place in the line that falls free goes to whoever came first beyond it.
  #leaveLine(client: Client): void {
    if (!this.#waiting.delete(client) || this.#beyond.delete(client)) return;
    for (const next of this.#beyond) {
      this.#beyond.delete(next);
      return;
    }
  }
}
