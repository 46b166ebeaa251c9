import { DeadlineQueue, type Deadline } from "./deadline-queue.js";
import { broken, invariant } from "./invariant.js";
import { IDLE, type Held, type Lane } from "./lane.js";
import { LinkedList } from "./linked-list.js";

/**
 * Which resource has its turn next, and when. The only place that changes a lane's turn, so that
 * the turn and the queue it stands in never disagree.
 *
 * What is due goes before what is ready, earliest first; ready lanes take turns. A resend keeps the
 * place in the window it has, so it goes even when the window is full; anything else needs a free
 * place, and room for its bytes. What has no room holds up whatever would go behind it: smaller
 * events that overtook it could keep it waiting without end.
 */
export class LaneSchedule {
  readonly #window: number;
  readonly #windowBytes: number;
  readonly #ready = new LinkedList<Lane>();
  readonly #flights = new DeadlineQueue<Lane>();
  readonly #backoffs = new DeadlineQueue<Lane>();
  /** Flights whose answer is not late yet. */
  #awaitingFirstAnswer = 0;
  #flightBytes = 0;
  /** What backed off is due and has no room: nothing new may take the room it waits for. */
  #pressing = false;

  constructor(window: number, windowBytes: number) {
    this.#window = window;
    this.#windowBytes = windowBytes;
  }

  get inFlight(): number {
    return this.#flights.size;
  }

  /** The window has room, half its bytes are free, nothing is ready, and every answer is late. */
  get starved(): boolean {
    if (this.#ready.size > 0 || this.#awaitingFirstAnswer > 0 || this.#flights.size >= this.#window)
      return false;
    return this.#flightBytes <= this.#windowBytes / 2;
  }

  get flightBytes(): number {
    return this.#flightBytes;
  }

  /** Whether so many bytes may be sent. An event larger than the whole window goes alone. */
  hasRoomFor(bytes: number): boolean {
    if (this.#flights.size === 0) return true;
    return this.#flights.size < this.#window && this.#flightBytes + bytes <= this.#windowBytes;
  }

  /** The first that is ready, if it has room. */
  get #nextReady(): Lane | undefined {
    const lane = this.#ready.first;
    const held = lane?.waiting.first;
    return held !== undefined && this.hasRoomFor(held.entry.bytes) ? lane : undefined;
  }

  /** The first that goes again after a refusal, and whether it has room. */
  get #nextBackoff(): { readonly atMs: number; readonly lane: Lane; readonly hasRoom: boolean } | undefined {
    const first = this.#backoffs.first;
    if (first === undefined) return undefined;
    const bytes = first.key.current?.entry.bytes ?? 0;
    return { atMs: first.atMs, lane: first.key, hasRoom: this.hasRoomFor(bytes) };
  }

  /** One of those that go again latest after a refusal. */
  get lateBackoff(): Deadline<Lane> | undefined {
    return this.#backoffs.late;
  }

  /** The lane to serve at `nowMs`. It stays where it is until `leave`. */
  next(nowMs: number): Lane | undefined {
    const flight = this.#flights.first;
    const backoff = this.#nextBackoff;
    const isDue = backoff !== undefined && backoff.atMs <= nowMs;
    this.#pressing = isDue && !backoff.hasRoom;
    if (isDue && backoff.hasRoom && (flight === undefined || backoff.atMs < flight.atMs)) return backoff.lane;
    if (flight !== undefined && flight.atMs <= nowMs) return flight.key;
    return this.#pressing ? undefined : this.#nextReady;
  }

  /** When `next` has a lane: -Infinity for now, undefined where time alone brings none. */
  nextAt(): number | undefined {
    const flightAt = this.#flights.first?.atMs;
    if (this.#pressing) return flightAt;
    if (this.#nextReady !== undefined) return Number.NEGATIVE_INFINITY;
    const backoff = this.#nextBackoff;
    const backoffAt = backoff?.hasRoom === true ? backoff.atMs : undefined;
    if (flightAt === undefined || backoffAt === undefined) return flightAt ?? backoffAt;
    return Math.min(flightAt, backoffAt);
  }

  /** Its first waiting event goes when the window has room. */
  ready(lane: Lane): void {
    invariant(lane.state.kind === "idle", "a lane became ready that was not idle");
    lane.state = { kind: "ready", place: this.#ready.append(lane) };
  }

  /** Nothing waits in a ready lane any more. */
  withdraw(lane: Lane): void {
    const { state } = lane;
    invariant(
      state.kind === "ready" && lane.waiting.size === 0,
      "a lane was withdrawn that is not ready, or has events",
    );
    this.#ready.remove(state.place);
    lane.state = IDLE;
  }

  /** `held` was sent, and its answer is due by `deadlineMs`. */
  fly(lane: Lane, held: Held, sentAtMs: number, deadlineMs: number, timeoutMs: number): void {
    invariant(lane.state.kind === "idle", "an event was sent while another of its resource was in flight");
    invariant(this.hasRoomFor(held.entry.bytes), "an event was sent beyond the window");
    this.#flightBytes += held.entry.bytes;
    const deadline = this.#flights.add(lane, deadlineMs);
    if (held.unanswered === 1) this.#awaitingFirstAnswer += 1;
    lane.state = { kind: "inFlight", held, deadline, sentAtMs, timeoutMs, superseded: false };
  }

  /** `held` goes again at `dueAtMs`. */
  backOff(lane: Lane, held: Held, dueAtMs: number): void {
    invariant(lane.state.kind === "idle", "a lane backed off that was not idle");
    lane.state = { kind: "backoff", held, deadline: this.#backoffs.add(lane, dueAtMs) };
  }

  /** Nothing of this lane goes until its dead letter is on disk, which ends the turn by `leave`. */
  deadLetter(lane: Lane, held: Held): void {
    invariant(lane.state.kind === "idle", "an event was given up in a lane that was not idle");
    lane.state = { kind: "deadLettering", held };
  }

  /** Ends the turn of a lane and answers with the event that had it. */
  leave(lane: Lane): Held {
    const { state } = lane;
    lane.state = IDLE;
    switch (state.kind) {
      case "ready": {
        this.#ready.remove(state.place);
        const held = lane.waiting.shift();
        invariant(held !== undefined, "a lane was ready without an event");
        return held;
      }
      case "inFlight":
        this.#flights.remove(state.deadline);
        this.#flightBytes -= state.held.entry.bytes;
        this.#pressing = false;
        if (state.held.unanswered === 1) this.#awaitingFirstAnswer -= 1;
        return state.held;
      case "backoff":
        this.#backoffs.remove(state.deadline);
        this.#pressing = false;
        return state.held;
      case "deadLettering":
        return state.held;
      case "idle":
        throw broken("an idle lane has nothing to leave");
    }
  }
}
