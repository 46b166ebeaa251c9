import { DeadlineQueue } from "./deadline-queue.js";
import { broken, invariant } from "./invariant.js";
import { IDLE, type Held, type Lane } from "./lane.js";
import { LinkedList } from "./linked-list.js";

/**
 * Which resource has its turn next, and when. The only place that changes a lane's turn, so that the turn and the queue it stands in never disagree.
 *
 * What is due goes before what is ready, earliest first; ready lanes take turns. A resend keeps the place in the window it has, so it goes even
 * when the window is full; anything else needs a free place.
 */
export class LaneSchedule {
  readonly #window: number;
  readonly #ready = new LinkedList<Lane>();
  readonly #flights = new DeadlineQueue<Lane>();
  readonly #backoffs = new DeadlineQueue<Lane>();
  /** Flights whose answer is not late yet. */
  #fresh = 0;

  constructor(window: number) {
    this.#window = window;
  }

  get inFlight(): number {
    return this.#flights.size;
  }

  /** The window has room, nothing is ready, and no answer is awaited that is not late. */
  get starved(): boolean {
    return this.#open && this.#ready.size === 0 && this.#fresh === 0;
  }

  get #open(): boolean {
    return this.#flights.size < this.#window;
  }

  /** The lane to serve at `nowMs`. It stays where it is until `leave`. */
  next(nowMs: number): Lane | undefined {
    const flight = this.#flights.first;
    const backoff = this.#open ? this.#backoffs.first : undefined;
    const earliest =
      flight === undefined || (backoff !== undefined && backoff.atMs < flight.atMs) ? backoff : flight;
    if (earliest !== undefined && earliest.atMs <= nowMs) return earliest.key;
    return this.#open ? this.#ready.first : undefined;
  }

  /** When `next` has a lane; -Infinity when it has one at any time, undefined when time alone brings none. */
  nextAt(): number | undefined {
    const flightAt = this.#flights.first?.atMs;
    if (!this.#open) return flightAt;
    if (this.#ready.size > 0) return Number.NEGATIVE_INFINITY;
    const backoffAt = this.#backoffs.first?.atMs;
    if (flightAt === undefined || backoffAt === undefined) return flightAt ?? backoffAt;
    return Math.min(flightAt, backoffAt);
  }

  /** Its first waiting event goes when the window has room. */
  ready(lane: Lane): void {
    invariant(lane.turn.kind === "idle", "a lane became ready in the middle of a turn");
    lane.turn = { kind: "ready", place: this.#ready.append(lane) };
  }

  /** `held` was sent, and its answer is due by `deadlineMs`. */
  fly(lane: Lane, held: Held, sentAtMs: number, deadlineMs: number, timeoutMs: number): void {
    invariant(lane.turn.kind === "idle", "an event was sent while another of its resource was in flight");
    invariant(this.#open, "an event was sent beyond the window");
    const deadline = this.#flights.add(lane, deadlineMs);
    if (held.unanswered === 1) this.#fresh += 1;
    lane.turn = { kind: "inFlight", held, deadline, sentAtMs, timeoutMs, superseded: false };
  }

  /** `held` goes again at `dueAtMs`. */
  backOff(lane: Lane, held: Held, dueAtMs: number): void {
    invariant(lane.turn.kind === "idle", "a lane backed off in the middle of a turn");
    lane.turn = { kind: "backoff", held, deadline: this.#backoffs.add(lane, dueAtMs) };
  }

  /** Nothing of this lane goes until its dead letter is on disk, which ends the turn by `leave`. */
  condemn(lane: Lane, held: Held): void {
    invariant(lane.turn.kind === "idle", "an event was given up in the middle of a turn");
    lane.turn = { kind: "condemned", held };
  }

  /** Ends the turn of a lane and answers with the event that had it. */
  leave(lane: Lane): Held {
    const { turn } = lane;
    lane.turn = IDLE;
    switch (turn.kind) {
      case "ready": {
        this.#ready.remove(turn.place);
        const held = lane.waiting.shift();
        invariant(held !== undefined, "a lane was ready without an event");
        return held;
      }
      case "inFlight":
        this.#flights.remove(turn.deadline);
        if (turn.held.unanswered === 1) this.#fresh -= 1;
        return turn.held;
      case "backoff":
        this.#backoffs.remove(turn.deadline);
        return turn.held;
      case "condemned":
        return turn.held;
      case "idle":
        throw broken("a lane left its turn twice");
    }
  }
}
