import { checkWindow, cutText, HawserError, type EventKey, type Nack } from "@hawser/protocol";
import { fullJitter, type Random } from "@hawser/runtime";
import type { AckResult, NackResult, Transmission } from "./event-writer-results.js";
import { HeldEvents } from "./held-events.js";
import { misused } from "./invariant.js";
import { MAX_KEPT_MESSAGE_LENGTH, type Held, type Lane } from "./lane.js";
import { LaneSchedule } from "./lane-schedule.js";
import { resolveResendTiming, type ResendTiming } from "./resend-timing.js";
import { RtoEstimator, type RtoReading } from "./rto-estimator.js";

/** What an `EventWriter` is made of; all of it holds for one session. */
export interface EventWriterOptions {
  /** Events the peer accepts without having answered them; 1 to `LIMITS.maxWindow`. */
  readonly window: number;
  /**
   * Bytes of such events, a positive number. An event that is larger goes when nothing else is in
   * flight.
   *
   * @default Infinity
   */
  readonly windowBytes?: number;
  readonly random: Random;
  /** @default DEFAULT_RESEND_TIMING */
  readonly resend?: Partial<ResendTiming>;
}

const UNKNOWN = { kind: "unknown" } as const;

/**
 * Decides what one session sends, and when (PROTOCOL.md, Delivery). Pure: events, answers and the
 * time go in; frames and the next wake time come out.
 *
 * Of each resource one event is in flight. An event whose answer is late goes before a new one,
 * earliest first; resources with something new take turns. An operation costs O(1), and O(log
 * window) where a deadline is set or cleared.
 *
 * Only its receiver gives up an event in flight, because it may be applying it. So the expiry of a
 * command is checked before it is sent and again after a NACK, but not while its answer is due.
 */
export class EventWriter extends HeldEvents {
  readonly #random: Random;
  readonly #timing: ResendTiming;
  readonly #rto: RtoEstimator;
  /** Lanes that wait for a dead letter, by its version. */
  readonly #deadLettering = new Map<number, Lane>();
  /** The highest version a session before this one can have sent. */
  #sentBefore = Number.POSITIVE_INFINITY;
  #quiesced = false;

  /** @throws HawserError `invalid_config` when the window or a timing is out of range */
  constructor({ window, windowBytes = Number.POSITIVE_INFINITY, random, resend }: EventWriterOptions) {
    checkWindow(window);
    if (!(windowBytes >= 1))
      throw new HawserError("invalid_config", `windowBytes is ${windowBytes}; it must be 1 or more`);
    super(new LaneSchedule(window, windowBytes));
    this.#random = random;
    this.#timing = resolveResendTiming(resend);
    this.#rto = new RtoEstimator(this.#timing);
  }

  /** Sent and not answered; never above the window. */
  get inFlight(): number {
    return this.schedule.inFlight;
  }

  /** Bytes in flight; above the window of bytes only for a single event. */
  get inFlightBytes(): number {
    return this.schedule.flightBytes;
  }

  /** The resend timeout, for metrics. */
  get rto(): RtoReading {
    return this.#rto;
  }

  /**
   * An answer to an event that this session has not sent counts up to this version only: an earlier
   * session may have sent it.
   *
   * @default every version
   */
  sentBefore(version: number): void {
    this.#sentBefore = version;
  }

  /** About how large the answer of `take` is; undefined where nothing may go now. */
  nextBytes(nowMs: number): number | undefined {
    const lane = this.#quiesced ? undefined : this.schedule.next(nowMs);
    return (lane?.current ?? lane?.waiting.first)?.entry.bytes;
  }

  /** The next thing to do, marked as done. Call it until it answers undefined. */
  take(nowMs: number, wallNowMs: number): Transmission | undefined {
    const lane = this.#quiesced ? undefined : this.schedule.next(nowMs);
    if (lane === undefined) return undefined;
    const { state } = lane;
    let held = this.schedule.leave(lane);
    if (state.kind === "inFlight") this.#rto.timedOut(state.timeoutMs);
    const overtaken = state.kind === "inFlight" && state.superseded;
    if (overtaken) {
      const next = this.#overtake(lane, held);
      if (next === undefined) return { kind: "gaveWay", entry: held.entry };
      held = next;
    }
    const mayBeApplying = state.kind === "inFlight" && !overtaken;
    if (!mayBeApplying && wallNowMs >= held.expiresAtMs) {
      this.#deadLetter(lane, held);
      return { kind: "expired", entry: held.entry };
    }
    this.#send(lane, held, nowMs);
    return { kind: "send", entry: held.entry, attempt: held.attempts };
  }

  /** The peer applied an event in turn, even one that only an earlier session sent. */
  ack(key: EventKey, nowMs: number): AckResult {
    const lane = this.#laneAwaiting(key);
    if (lane === undefined) return UNKNOWN;
    const { state } = lane;
    const held = this.schedule.leave(lane);
    const inFlight = state.kind === "inFlight";
    // Karn's rule: it is unknown which send of an event was answered.
    const rttMs = inFlight && held.attempts === 1 ? nowMs - state.sentAtMs : undefined;
    if (rttMs !== undefined) this.#rto.sample(rttMs);
    this.release(held);
    this.advance(lane);
    const { entry, attempts } = held;
    const superseded = inFlight && state.superseded;
    return { kind: "acked", version: entry.version, rttMs, attempts, superseded };
  }

  /** The peer did not apply an event. */
  nack(nack: Nack, nowMs: number): NackResult {
    const lane = this.#laneAwaiting(nack);
    if (lane === undefined) return UNKNOWN;
    const { state } = lane;
    // A retryable NACK of an event not in flight is a repeat, or answers an earlier session.
    if (nack.retryable && state.kind !== "inFlight") return UNKNOWN;
    const held = this.schedule.leave(lane);
    if (state.kind === "inFlight" && state.superseded) {
      this.release(held);
      this.advance(lane);
      return { kind: "superseded", version: held.entry.version };
    }
    if (nack.retryable) return { kind: "retry", dueAtMs: this.#backOff(lane, held, nack, nowMs) };
    this.#deadLetter(lane, held);
    return { kind: "deadLetter", entry: held.entry };
  }

  /**
   * The dead letter of an event is on disk: the next event of its resource may go.
   *
   * @throws HawserError `invalid_state` for an event that was not given up
   */
  deadLetterWritten(version: number): void {
    const lane = this.#deadLettering.get(version);
    if (lane === undefined)
      throw misused(
        `version ${version} was settled and is not given up; settle what take answered with as expired, or nack as deadLetter, once`,
      );
    this.#deadLettering.delete(version);
    this.release(this.schedule.leave(lane));
    this.advance(lane);
  }

  /** From now on nothing is sent; answers still count. For a goodbye. */
  quiesce(): void {
    this.#quiesced = true;
  }

  /**
   * When `take` will next have something, in monotonic milliseconds: -Infinity for now, undefined
   * where only an input brings it. Exact in both directions.
   */
  nextWakeAt(): number | undefined {
    return this.#quiesced ? undefined : this.schedule.nextAt();
  }

  #laneAwaiting(key: EventKey): Lane | undefined {
    const lane = this.laneOf(key.resourceid);
    const entry = lane?.current?.entry;
    if (lane === undefined || entry?.event.eventid !== key.eventid) return undefined;
    // No peer can have applied or refused an event that no session has sent.
    return lane.state.kind === "ready" && entry.version > this.#sentBefore ? undefined : lane;
  }

  // The answer of an event that was superseded or purged is late: the event behind it takes its
  // place in the window, or waits for room where it is larger. There may be none, while the newer
  // state is still on disk or after a purge.
  #overtake(lane: Lane, superseded: Held): Held | undefined {
    this.release(superseded);
    const next = lane.waiting.first;
    if (next !== undefined && this.schedule.hasRoomFor(next.entry.bytes)) return lane.waiting.shift();
    this.advance(lane);
    return undefined;
  }

  #send(lane: Lane, held: Held, nowMs: number): void {
    held.attempts += 1;
    held.unanswered += 1;
    held.firstSentAtMs ??= nowMs;
    const deadlineMs = nowMs + this.#rto.delayMs(this.#random, held.unanswered);
    this.schedule.fly(lane, held, nowMs, deadlineMs, this.#rto.valueMs);
  }

  #backOff(lane: Lane, held: Held, { code, message }: Nack, nowMs: number): number {
    const { minNackBackoffMs, maxNackBackoffMs } = this.#timing;
    const times = (held.refused?.times ?? 0) + 1;
    held.refused = { times, code, message: cutText(message, MAX_KEPT_MESSAGE_LENGTH) };
    held.unanswered = 0;
    const least = minNackBackoffMs;
    const backoff = { floorMs: least, baseMs: least, factor: 2, capMs: maxNackBackoffMs };
    const dueAtMs = nowMs + fullJitter(this.#random, backoff, times);
    this.schedule.backOff(lane, held, dueAtMs);
    return dueAtMs;
  }

  #deadLetter(lane: Lane, held: Held): void {
    this.schedule.deadLetter(lane, held);
    this.#deadLettering.set(held.entry.version, lane);
  }
}
