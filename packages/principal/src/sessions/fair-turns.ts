import type { Runtime } from "@hawser/runtime";

/** Who takes turns: a connection that can be paused. */
export interface TurnTaker {
  pause(): void;
  resume(): void;
}

/** What one connection may be served in one turn of the event loop, and how many wait at most for the same one. */
export interface TurnLimits {
  readonly messages: number;
  readonly bytes: number;
  /** Of its work, in milliseconds: what a message costs depends on what it says. */
  readonly ms: number;
  /** Connections that go on in one turn after they had to wait. */
  readonly resumed: number;
}

/** Some milliseconds of work, with what handlers do of it behind the turn: what others wait for takes several turns. */
const DEFAULT_TURN_LIMITS: TurnLimits = { messages: 64, bytes: 262_144, ms: 1, resumed: 1 };

/** What a connection has been served in the present turn. */
export interface Turn {
  number: number;
  messages: number;
  bytes: number;
  /** When its first message was handled. */
  begunAtMs: number;
  isWaiting: boolean;
}

/**
 * Fair turns between connections: a peer that sends as fast as it can is not read further in a turn of the event
 * loop once it had its share, and goes on in a later one, behind the others that wait. Nothing is dropped: the
 * transport holds the peer back meanwhile.
 */
export class FairTurns {
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #limits: TurnLimits;
  readonly #waiting = new Map<Turn, TurnTaker>();
  #number = 0;
  #isScheduled = false;

  constructor(runtime: Pick<Runtime, "clock" | "timers">, limits: TurnLimits = DEFAULT_TURN_LIMITS) {
    this.#runtime = runtime;
    this.#limits = limits;
  }

  /** A connection that has not been served yet. */
  newTurn(): Turn {
    return { number: this.#number, messages: 0, bytes: 0, begunAtMs: 0, isWaiting: false };
  }

  /** A message of `taker` was handled. */
  served(turn: Turn, taker: TurnTaker, bytes: number): void {
    const nowMs = this.#runtime.clock.now();
    if (turn.number !== this.#number || turn.messages === 0) {
      turn.number = this.#number;
      turn.messages = 0;
      turn.bytes = 0;
      turn.begunAtMs = nowMs;
    }
    turn.messages += 1;
    turn.bytes += bytes;
    this.#schedule();
    if (turn.isWaiting || !this.#isOver(turn, nowMs)) return;
    turn.isWaiting = true;
    this.#waiting.set(turn, taker);
    taker.pause();
  }

  /** The connection has ended. */
  forget(turn: Turn): void {
    this.#waiting.delete(turn);
  }

  #isOver({ messages, bytes, begunAtMs }: Turn, nowMs: number): boolean {
    const limits = this.#limits;
    return messages >= limits.messages || bytes >= limits.bytes || nowMs - begunAtMs >= limits.ms;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#runtime.timers.soon(() => this.#next());
  }

  #next(): void {
    this.#isScheduled = false;
    this.#number += 1;
    // Whoever goes on may have to wait again at once, and stands behind the others then.
    for (const [turn, taker] of firstOf(this.#waiting, this.#limits.resumed)) {
      if (!this.#waiting.delete(turn)) continue;
      turn.isWaiting = false;
      taker.resume();
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}

function firstOf<Key, Value>(
  map: ReadonlyMap<Key, Value>,
  count: number,
): readonly (readonly [Key, Value])[] {
  const first: (readonly [Key, Value])[] = [];
  for (const entry of map) {
    if (first.length >= count) break;
    first.push(entry);
  }
  return first;
}
