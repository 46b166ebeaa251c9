import { eventClass, supersedes, type EventClass } from "@hawser/protocol";
import { checkDeliverable } from "./check-deliverable.js";
import { Deadline, DeadlineQueue } from "./deadline-queue.js";
import type { Deliverable, SpilledEvent } from "./deliverable.js";
import type { SetAside } from "./event-writer-results.js";
import { invariant, misused } from "./invariant.js";
import { hold, Lane, type Held, type Refused } from "./lane.js";
import type { LaneSchedule } from "./lane-schedule.js";
import { LinkedList } from "./linked-list.js";
import type { ResourceTurn } from "./resource-turn.js";

/**
 * The events that one session holds, by resource: what enters, what that supersedes, and what
 * leaves without an answer.
 *
 * Of each resource one event has its turn; the others wait in version order. The cost of an
 * operation does not depend on how much is held, except where it says so.
 */
export abstract class HeldEvents {
  protected readonly schedule: LaneSchedule;
  readonly #lanes = new Map<string, Lane>();
  /** Versions that were offered in version order, so the first is the lowest. */
  readonly #inOrder = new LinkedList<number>();
  /** Versions that were offered as spilled; the first is the lowest of these. */
  readonly #spilled = new DeadlineQueue<number>();
  #newest = 0;
  #heldBytes = 0;

  protected constructor(schedule: LaneSchedule) {
    this.schedule = schedule;
  }

  /** Bytes of everything held. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Events offered and not acknowledged, superseded or dead-lettered. The caller bounds it. */
  get held(): number {
    return this.#inOrder.size + this.#spilled.size;
  }

  /**
   * Whether the window has room and nothing held can be sent: every event backs off, awaits a late
   * answer, or is behind such an event.
   */
  get starved(): boolean {
    return this.schedule.starved;
  }

  /** The lowest version held: everything below it that was offered is settled. */
  lowestHeld(): number | undefined {
    const spilled = this.#spilled.first?.key;
    const first = this.#inOrder.first;
    return spilled === undefined || (first !== undefined && first < spilled) ? first : spilled;
  }

  /** How many events of a resource are held. */
  heldOf(resourceid: string): number {
    const lane = this.#lanes.get(resourceid);
    if (lane === undefined) return 0;
    return "held" in lane.state ? lane.waiting.size + 1 : lane.waiting.size;
  }

  /** What the next event of a resource waits for; undefined where none is held. */
  turnOf(resourceid: string): ResourceTurn | undefined {
    const lane = this.#lanes.get(resourceid);
    switch (lane?.state.kind) {
      case undefined:
      case "idle":
        return undefined;
      case "ready": {
        const entry = lane?.waiting.first?.entry;
        if (entry === undefined) return undefined;
        return { kind: "ready", version: entry.version, hasRoom: this.schedule.hasRoomFor(entry.bytes) };
      }
      case "inFlight": {
        const { held, sentAtMs, deadline } = lane.state;
        const { attempts, firstSentAtMs = sentAtMs, refused } = held;
        const { version } = held.entry;
        return { kind: "unanswered", version, attempts, firstSentAtMs, nextTryAtMs: deadline.atMs, refused };
      }
      case "backoff": {
        const { held, deadline } = lane.state;
        const { entry, refused } = held;
        invariant(refused !== undefined, "an event backs off that was not refused");
        return { kind: "refused", version: entry.version, nextTryAtMs: deadline.atMs, refused };
      }
      case "deadLettering":
        return { kind: "givenUp", version: lane.state.held.entry.version };
    }
  }

  /**
   * Takes an event in. Versions are positions in one mailbox, so events are offered in increasing
   * version order over all resources; a version that does not exceed the highest one offered is a
   * duplicate.
   *
   * @throws HawserError `invalid_eventid` where the version is none, or is not the `eventid` of the
   *   event; `missing_resourceid`; `invalid_event` for `bytes` that are no number from 0
   */
  offer(entry: Deliverable): "queued" | "duplicate" {
    const { version } = entry;
    checkDeliverable(entry);
    if (version <= this.#newest) return "duplicate";
    this.#newest = version;
    this.#admit(entry, this.#inOrder.append(version));
    return "queued";
  }

  /**
   * Takes in an event that was left on disk when it could have been offered. The spilled events of
   * a resource come in version order, before anything newer of it is offered.
   *
   * @param refused what its receiver said before it was set aside
   * @throws HawserError as `offer` does; `invalid_state` behind a newer event of its resource
   */
  offerSpilled(entry: Deliverable, refused?: Refused): void {
    const { version, event } = entry;
    checkDeliverable(entry);
    const last = this.#lanes.get(event.resourceid)?.waiting.last;
    if (last !== undefined && last.entry.version >= version)
      throw misused(
        `version ${version} was offered as spilled behind ${last.entry.version} of the same resource; offer what was spilled in the order of versions`,
        event,
      );
    this.#admit(entry, this.#spilled.add(version, version), refused);
  }

  /**
   * Makes room: gives back one of the resources that back off longest, with all that is held of it.
   * Offer its events as spilled once its next try is due. Undefined where no resource backs off.
   */
  setAside(nowMs: number): SetAside | undefined {
    const deadline = this.schedule.lateBackoff;
    if (deadline === undefined || deadline.atMs <= nowMs) return undefined;
    const { key: lane, atMs: dueAtMs } = deadline;
    const held = this.schedule.leave(lane);
    this.release(held);
    const { version: from, event } = held.entry;
    let to = from;
    for (let next = lane.waiting.shift(); next !== undefined; next = lane.waiting.shift()) {
      this.release(next);
      to = next.entry.version;
    }
    this.advance(lane);
    return { resourceid: lane.resourceid, from, to, type: event.type, refused: held.refused, dueAtMs };
  }

  /**
   * A newer state was left on disk. The older ones that it supersedes leave where they wait or back
   * off, and one in flight is not resent; otherwise an event that always fails could block the
   * newer state.
   */
  skipSpilled({ version, event }: SpilledEvent): void {
    const lane = this.#lanes.get(event.resourceid);
    const newer = eventClass(event.type);
    if (lane === undefined || newer === "command" || lane.newest >= version) return;
    this.#supersedeCurrent(lane, newer);
    for (const outdated of lane.waiting.drop(newer)) this.release(outdated);
    this.#reschedule(lane);
  }

  /**
   * Events of a resource are not to be sent any more. They leave where they wait or back off; one
   * in flight stays until its answer comes or is late, because its receiver may be applying it.
   * Versions that are not held are ignored. Takes time in proportion to what is held of the
   * resource.
   *
   * @returns how many of them are in flight
   */
  purge(resourceid: string, versions: ReadonlySet<number>): number {
    const lane = this.#lanes.get(resourceid);
    if (lane === undefined) return 0;
    const isPurged = ({ entry }: Held): boolean => versions.has(entry.version);
    const { state } = lane;
    const isInFlight = state.kind === "inFlight" && !state.superseded && isPurged(state.held);
    if (isInFlight) state.superseded = true;
    if (state.kind === "backoff" && isPurged(state.held)) this.release(this.schedule.leave(lane));
    for (const purged of lane.waiting.take(isPurged)) this.release(purged);
    this.#reschedule(lane);
    return isInFlight ? 1 : 0;
  }

  protected laneOf(resourceid: string): Lane | undefined {
    return this.#lanes.get(resourceid);
  }

  /** The next event of an idle lane waits for room in the window; a lane without events ends. */
  protected advance(lane: Lane): void {
    if (lane.waiting.size > 0) this.schedule.ready(lane);
    else this.#lanes.delete(lane.resourceid);
  }

  /** An event is not held any more. */
  protected release({ place, entry }: Held): void {
    this.#heldBytes -= entry.bytes;
    if (place instanceof Deadline) this.#spilled.remove(place);
    else this.#inOrder.remove(place);
  }

  #admit(entry: Deliverable, place: Held["place"], refused?: Refused): void {
    const { resourceid } = entry.event;
    let lane = this.#lanes.get(resourceid);
    if (lane === undefined) this.#lanes.set(resourceid, (lane = new Lane(resourceid)));
    const held = hold(entry, place, refused);
    this.#heldBytes += entry.bytes;
    this.#supersedeCurrent(lane, held.eventClass);
    for (const outdated of lane.waiting.push(held)) this.release(outdated);
    if (lane.state.kind === "idle") this.schedule.ready(lane);
  }

  // An event in flight stays, because its receiver may be applying it, but is not resent. One that
  // backs off was refused: it leaves, and the new state goes at once, because it may correct the
  // cause of the refusal.
  #supersedeCurrent(lane: Lane, newer: EventClass): void {
    const { state } = lane;
    if (state.kind !== "inFlight" && state.kind !== "backoff") return;
    if (!supersedes(newer, state.held.eventClass)) return;
    if (state.kind === "inFlight") state.superseded = true;
    else this.release(this.schedule.leave(lane));
  }

  // Events left the lane: withdraws an empty ready lane, and lets an idle one go on.
  #reschedule(lane: Lane): void {
    if (lane.state.kind === "ready" && lane.waiting.size === 0) this.schedule.withdraw(lane);
    if (lane.state.kind === "idle") this.advance(lane);
  }
}
