import {
  checkWindow,
  cutText,
  eventClass,
  HawserError,
  supersedes,
  type EventClass,
  type EventKey,
  type Nack,
} from "@hawser/protocol";
import { fullJitter, type Random } from "@hawser/runtime";
import { checkDeliverable } from "./check-deliverable.js";
import { Deadline, DeadlineQueue } from "./deadline-queue.js";
import type { Deliverable, PassedOver } from "./deliverable.js";
import type { AckResult, NackResult, SetAside, Transmission } from "./event-writer-results.js";
import { invariant, misused } from "./invariant.js";
import { hold, Lane, MAX_KEPT_MESSAGE_LENGTH, type Held, type Refused } from "./lane.js";
import { LaneSchedule } from "./lane-schedule.js";
import { LinkedList } from "./linked-list.js";
import { resolveResendTiming, type ResendTiming } from "./resend-timing.js";
import type { ResourceTurn } from "./resource-turn.js";
import { RtoEstimator, type RtoReading } from "./rto-estimator.js";

/** What an `EventWriter` is made of; all of it holds for one session. */
export interface EventWriterOptions {
  /** Events the peer accepts without having answered them; 1 to `LIMITS.maxWindow`. */
  readonly window: number;
  /**
   * Bytes of such events, a positive number. An event that is larger goes when nothing else is in flight.
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
 * Decides what one session sends, and when (PROTOCOL.md, Delivery). Pure: events, answers and the time go in; frames and the next wake time come out.
 *
 * Of each resource one event is in flight; the others wait in version order, states giving way to newer ones. What has waited too long for its answer
 * goes before what is new, earliest first; resources with something new take turns. The cost of an operation does not depend on how much is held: it is
 * O(1), and O(log window) where a deadline is set or cleared.
 *
 * An event in flight is given up only by its receiver, which may be applying it right now. So a command's expiry is checked before it is sent and
 * again after a NACK, but not while its answer is due.
 */
export class EventWriter {
  readonly #random: Random;
  readonly #timing: ResendTiming;
  readonly #rto: RtoEstimator;
  readonly #schedule: LaneSchedule;
  readonly #lanes = new Map<string, Lane>();
  /** Versions of what was offered in version order, so the first is the lowest. */
  readonly #held = new LinkedList<number>();
  /** Versions of what was offered late; the first is the lowest of these. */
  readonly #late = new DeadlineQueue<number>();
  /** Lanes that wait for a dead letter, by its version. */
  readonly #condemned = new Map<number, Lane>();
  #newest = 0;
  #heldBytes = 0;
  /** The highest version a session before this one can have sent. */
  #sentBefore = Number.POSITIVE_INFINITY;
  #quiesced = false;

  /** @throws HawserError `invalid_config` when the window or a timing is out of range */
  constructor(options: EventWriterOptions) {
    const { window, windowBytes = Number.POSITIVE_INFINITY, random, resend } = options;
    checkWindow(window);
    if (!(windowBytes >= 1))
      throw new HawserError("invalid_config", `windowBytes is ${windowBytes}; it must be 1 or more`);
    this.#random = random;
    this.#timing = resolveResendTiming(resend);
    this.#rto = new RtoEstimator(this.#timing);
    this.#schedule = new LaneSchedule(window, windowBytes);
  }

  /** Sent and not answered; never above the window. */
  get inFlight(): number {
    return this.#schedule.inFlight;
  }

  /** Bytes of what is in flight; never above the window of bytes, unless it is a single event. */
  get inFlightBytes(): number {
    return this.#schedule.flightBytes;
  }

  /** Bytes of everything held. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Everything offered that is not acknowledged, superseded or settled as a dead letter. Bounding it is up to the caller. */
  get held(): number {
    return this.#held.size + this.#late.size;
  }

  /**
   * Whether all that is held stands still while the window has room: everything waits for its next try, for an answer that is late, or behind such an event.
   */
  get starved(): boolean {
    return this.#schedule.starved;
  }

  /** The resend timeout, for metrics. */
  get rto(): RtoReading {
    return this.#rto;
  }

  /** The lowest version held: everything below it that was offered is settled. */
  lowestHeld(): number | undefined {
    const late = this.#late.first?.key;
    const first = this.#held.first;
    return late === undefined || (first !== undefined && first < late) ? first : late;
  }

  /** An answer to what was not sent yet counts up to this version only: a session before this one may have sent it. @default every version */
  sentBefore(version: number): void {
    this.#sentBefore = version;
  }

  /** How many events of a resource are held. */
  heldOf(resourceid: string): number {
    const lane = this.#lanes.get(resourceid);
    if (lane === undefined) return 0;
    return "held" in lane.turn ? lane.waiting.size + 1 : lane.waiting.size;
  }

  /** What the next event of a resource waits for; undefined where none is held. */
  turnOf(resourceid: string): ResourceTurn | undefined {
    const turn = this.#lanes.get(resourceid)?.turn;
    switch (turn?.kind) {
      case undefined:
      case "idle":
        return undefined;
      case "ready":
        return this.#readyTurn(resourceid);
      case "inFlight": {
        const { held, sentAtMs, deadline } = turn;
        const { attempts, firstSentAtMs = sentAtMs, refused } = held;
        const { version } = held.entry;
        return { kind: "unanswered", version, attempts, firstSentAtMs, nextTryAtMs: deadline.atMs, refused };
      }
      case "backoff": {
        const { entry, refused } = turn.held;
        invariant(refused !== undefined, "an event backs off that was not refused");
        return { kind: "refused", version: entry.version, nextTryAtMs: turn.deadline.atMs, refused };
      }
      case "condemned":
        return { kind: "givenUp", version: turn.held.entry.version };
    }
  }

  /**
   * Takes an event in. Versions are positions in one mailbox, so events are offered in increasing version order over all resources; one that does not
   * exceed the highest offered so far has been here before.
   *
   * @throws HawserError `invalid_eventid` where the version is none, or is not what the event has as `eventid`; `missing_resourceid`; `invalid_event` for `bytes` that are no number from 0
   */
  offer(entry: Deliverable): "queued" | "duplicate" {
    const { version } = entry;
    checkDeliverable(entry);
    if (version <= this.#newest) return "duplicate";
    this.#newest = version;
    this.#admit(entry, this.#held.append(version));
    return "queued";
  }

  /**
   * Takes an event in that was passed over when its turn to be offered came. Of each resource, these come in version order as well, before anything newer of it is
   * offered.
   *
   * @param refused before it was set aside
   * @throws HawserError as `offer` does; `invalid_state` behind a newer one of its resource
   */
  offerLate(entry: Deliverable, refused?: Refused): void {
    const { version, event } = entry;
    checkDeliverable(entry);
    const last = this.#lanes.get(event.resourceid)?.waiting.last;
    if (last !== undefined && last.entry.version >= version)
      throw misused(
        `version ${version} was offered late behind ${last.entry.version} of the same resource; offer what was passed over in the order of versions`,
        event,
      );
    this.#admit(entry, this.#late.add(version, version), refused);
  }

  /**
   * Makes room: gives back a resource whose turn comes late, as its event was refused, with all that is held of it. It is to be offered late once its next
   * try is due. Undefined where no resource waits for that.
   */
  setAside(nowMs: number): SetAside | undefined {
    const deadline = this.#schedule.lateBackoff;
    if (deadline === undefined || deadline.atMs <= nowMs) return undefined;
    const { key: lane, atMs: dueAtMs } = deadline;
    const held = this.#schedule.leave(lane);
    this.#release(held);
    const { version: from, event } = held.entry;
    let to = from;
    for (let next = lane.waiting.shift(); next !== undefined; next = lane.waiting.shift()) {
      this.#release(next);
      to = next.entry.version;
    }
    this.#goOn(lane);
    return { resourceid: lane.resourceid, from, to, type: event.type, refused: held.refused, dueAtMs };
  }

  /**
   * A state stays where it is stored for now. What it supersedes is not sent any more all the same: what waits or backs off leaves, and what is in
   * flight gives way once its answer is late.
   */
  passedOver({ version, event }: PassedOver): void {
    const lane = this.#lanes.get(event.resourceid);
    const newer = eventClass(event.type);
    if (lane === undefined || newer === "command" || lane.newest >= version) return;
    this.#supersedeTurn(lane, newer);
    for (const outdated of lane.waiting.drop(newer)) this.#release(outdated);
    if (lane.turn.kind === "ready" && lane.waiting.size === 0) this.#schedule.withdraw(lane);
    if (lane.turn.kind === "idle") this.#goOn(lane);
  }

  /**
   * Events of a resource are not to be sent any more: what waits or backs off leaves, and what is in flight gives way once its answer is late, as its receiver may be applying it. Versions that
   * are not held are ignored, and so is what is given up already. Takes as long as there is held of the resource. Answers how many of them are in flight.
   */
  purge(resourceid: string, versions: ReadonlySet<number>): number {
    const lane = this.#lanes.get(resourceid);
    if (lane === undefined) return 0;
    const isPurged = ({ entry }: Held): boolean => versions.has(entry.version);
    const { turn } = lane;
    const isInFlight = turn.kind === "inFlight" && !turn.superseded && isPurged(turn.held);
    if (isInFlight) turn.superseded = true;
    if (turn.kind === "backoff" && isPurged(turn.held)) this.#release(this.#schedule.leave(lane));
    for (const purged of lane.waiting.take(isPurged)) this.#release(purged);
    if (lane.turn.kind === "ready" && lane.waiting.size === 0) this.#schedule.withdraw(lane);
    if (lane.turn.kind === "idle") this.#goOn(lane);
    return isInFlight ? 1 : 0;
  }

  /** About how large what `take` would answer with is; undefined where nothing may go now. */
  nextBytes(nowMs: number): number | undefined {
    const lane = this.#quiesced ? undefined : this.#schedule.next(nowMs);
    return (lane?.current ?? lane?.waiting.first)?.entry.bytes;
  }

  /** The next thing to do, marked as done: call it until it answers undefined, which means that nothing may go now. */
  take(nowMs: number, wallNowMs: number): Transmission | undefined {
    const lane = this.#quiesced ? undefined : this.#schedule.next(nowMs);
    if (lane === undefined) return undefined;
    const { turn } = lane;
    let held = this.#schedule.leave(lane);
    if (turn.kind === "inFlight") this.#rto.timedOut(turn.timeoutMs);
    const overtaken = turn.kind === "inFlight" && turn.superseded;
    if (overtaken) {
      const next = this.#overtake(lane, held);
      if (next === undefined) return { kind: "gaveWay", entry: held.entry };
      held = next;
    }
    const mayBeApplying = turn.kind === "inFlight" && !overtaken;
    if (!mayBeApplying && wallNowMs >= held.expiresAtMs) {
      this.#condemn(lane, held);
      return { kind: "expired", entry: held.entry };
    }
    this.#send(lane, held, nowMs);
    return { kind: "send", entry: held.entry, attempt: held.attempts };
  }

  /** The peer applied an event. Counts whenever it is that event's turn, also when only a session before this one has sent it. */
  ack(key: EventKey, nowMs: number): AckResult {
    const lane = this.#laneAwaiting(key);
    if (lane === undefined) return UNKNOWN;
    const { turn } = lane;
    const held = this.#schedule.leave(lane);
    const inFlight = turn.kind === "inFlight";
    // Karn's rule: of an event sent more than once, nobody knows which of the sends was answered.
    const rttMs = inFlight && held.attempts === 1 ? nowMs - turn.sentAtMs : undefined;
    if (rttMs !== undefined) this.#rto.sample(rttMs);
    this.#release(held);
    this.#goOn(lane);
    return {
      kind: "acked",
      version: held.entry.version,
      rttMs,
      attempts: held.attempts,
      superseded: inFlight && turn.superseded,
    };
  }

  /** The peer did not apply an event. */
  nack(nack: Nack, nowMs: number): NackResult {
    const lane = this.#laneAwaiting(nack);
    if (lane === undefined) return UNKNOWN;
    const { turn } = lane;
    // A retryable refusal of what is not in flight has been heard already, or is meant for a session before this one.
    if (nack.retryable && turn.kind !== "inFlight") return UNKNOWN;
    const held = this.#schedule.leave(lane);
    if (turn.kind === "inFlight" && turn.superseded) {
      this.#release(held);
      this.#goOn(lane);
      return { kind: "superseded", version: held.entry.version };
    }
    if (nack.retryable) return { kind: "retry", dueAtMs: this.#backOff(lane, held, nack, nowMs) };
    this.#condemn(lane, held);
    return { kind: "deadLetter", entry: held.entry };
  }

  /** The dead letter of an event is on disk: its resource goes on. @throws HawserError `invalid_state` for what was not given up */
  settled(version: number): void {
    const lane = this.#condemned.get(version);
    if (lane === undefined)
      throw misused(
        `version ${version} was settled and is not given up; settle what take answered with as expired, or nack as deadLetter, once`,
      );
    this.#condemned.delete(version);
    this.#release(this.#schedule.leave(lane));
    this.#goOn(lane);
  }

  /** From now on nothing is sent; answers still count. For a goodbye. */
  quiesce(): void {
    this.#quiesced = true;
  }

  /**
   * When `take` will next have something, in monotonic milliseconds; -Infinity when it has now, undefined when only an input can change anything. Exact:
   * neither a wake-up without work nor work without a wake-up.
   */
  nextWakeAt(): number | undefined {
    return this.#quiesced ? undefined : this.#schedule.nextAt();
  }

  #readyTurn(resourceid: string): ResourceTurn | undefined {
    const entry = this.#lanes.get(resourceid)?.waiting.first?.entry;
    if (entry === undefined) return undefined;
    return { kind: "ready", version: entry.version, hasRoom: this.#schedule.hasRoomFor(entry.bytes) };
  }

  #admit(entry: Deliverable, place: Held["place"], refused?: Refused): void {
    const lane = this.#laneOf(entry.event.resourceid);
    const held = hold(entry, place, refused);
    this.#heldBytes += entry.bytes;
    this.#supersedeTurn(lane, held.eventClass);
    for (const outdated of lane.waiting.push(held)) this.#release(outdated);
    if (lane.turn.kind === "idle") this.#schedule.ready(lane);
  }

  #laneOf(resourceid: string): Lane {
    let lane = this.#lanes.get(resourceid);
    if (lane === undefined) {
      lane = new Lane(resourceid);
      this.#lanes.set(resourceid, lane);
    }
    return lane;
  }

  #laneAwaiting(key: EventKey): Lane | undefined {
    const lane = this.#lanes.get(key.resourceid);
    const entry = lane?.current?.entry;
    if (lane === undefined || entry?.event.eventid !== key.eventid) return undefined;
    // What nobody has sent yet, nobody can have applied or refused.
    return lane.turn.kind === "ready" && entry.version > this.#sentBefore ? undefined : lane;
  }

  // What is in flight stays there, because its receiver may be applying it, but it is not sent again. What backs off was refused: it leaves, and the new
  // state goes at once, for it may be the one that mends what was wrong.
  #supersedeTurn(lane: Lane, newer: EventClass): void {
    const { turn } = lane;
    if (turn.kind !== "inFlight" && turn.kind !== "backoff") return;
    if (!supersedes(newer, turn.held.eventClass)) return;
    if (turn.kind === "inFlight") turn.superseded = true;
    else this.#release(this.#schedule.leave(lane));
  }

  // The answer of a superseded state, or of what was purged, did not come in time: what waits behind it takes over its place in the window, or waits for
  // room where it is larger. Nothing does while what superseded it is still where it is stored, and behind what was purged there may be nothing.
  #overtake(lane: Lane, superseded: Held): Held | undefined {
    this.#release(superseded);
    const next = lane.waiting.first;
    if (next !== undefined && this.#schedule.hasRoomFor(next.entry.bytes)) return lane.waiting.shift();
    this.#goOn(lane);
    return undefined;
  }

  #send(lane: Lane, held: Held, nowMs: number): void {
    held.attempts += 1;
    held.unanswered += 1;
    held.firstSentAtMs ??= nowMs;
    const deadlineMs = nowMs + this.#rto.delayMs(this.#random, held.unanswered);
    this.#schedule.fly(lane, held, nowMs, deadlineMs, this.#rto.valueMs);
  }

  #backOff(lane: Lane, held: Held, { code, message }: Nack, nowMs: number): number {
    const { minNackBackoffMs, maxNackBackoffMs } = this.#timing;
    const times = (held.refused?.times ?? 0) + 1;
    held.refused = { times, code, message: cutText(message, MAX_KEPT_MESSAGE_LENGTH) };
    held.unanswered = 0;
    const backoff = {
      floorMs: minNackBackoffMs,
      baseMs: minNackBackoffMs,
      factor: 2,
      capMs: maxNackBackoffMs,
    };
    const dueAtMs = nowMs + fullJitter(this.#random, backoff, times);
    this.#schedule.backOff(lane, held, dueAtMs);
    return dueAtMs;
  }

  #condemn(lane: Lane, held: Held): void {
    this.#schedule.condemn(lane, held);
    this.#condemned.set(held.entry.version, lane);
  }

  #goOn(lane: Lane): void {
    if (lane.waiting.size > 0) this.#schedule.ready(lane);
    else this.#lanes.delete(lane.resourceid);
  }

  #release({ place, entry }: Held): void {
    this.#heldBytes -= entry.bytes;
    if (place instanceof Deadline) this.#late.remove(place);
    else this.#held.remove(place);
  }
}
