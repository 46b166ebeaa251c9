import type { Timers } from "@hawser/runtime";

/** Who takes turns: a connection that can be paused. */
export interface TurnTaker {
  pause(): void;
  resume(): void;
}

/** What one connection may be served in one turn of the event loop, and how many wait at most for the same one. */
export interface TurnLimits {
  readonly messages: number;
  readonly bytes: number;
  /** Connections that go on in one turn after they had to wait. */
  readonly resumed: number;
}

/** A few milliseconds of work for each connection, and for those that go on together. */
const DEFAULT_TURN_LIMITS: TurnLimits = { messages: 256, bytes: 1_048_576, resumed: 4 };

/** What a connection has been served in the present turn. */
export interface Turn {
  number: number;
  messages: number;
  bytes: number;
  isWaiting: boolean;
}

/**
 * Fair turns between connections: a peer that sends as fast as it can is not read further in a turn of the event
 * loop once it had its share, and goes on in a later one, behind the others that wait. Nothing is dropped: the
 * transport holds the peer back meanwhile.
 */
export class FairTurns {
  readonly #timers: Timers;
  readonly #limits: TurnLimits;
  readonly #waiting = new Map<Turn, TurnTaker>();
  #number = 0;
  #isScheduled = false;

  constructor(timers: Timers, limits: TurnLimits = DEFAULT_TURN_LIMITS) {
    this.#timers = timers;
    this.#limits = limits;
  }

  /** A connection that has not been served yet. */
  newTurn(): Turn {
    return { number: this.#number, messages: 0, bytes: 0, isWaiting: false };
  }

  /** A message of `taker` was handled. */
  served(turn: Turn, taker: TurnTaker, bytes: number): void {
    if (turn.number !== this.#number) {
      turn.number = this.#number;
      turn.messages = 0;
      turn.bytes = 0;
    }
    turn.messages += 1;
    turn.bytes += bytes;
    this.#schedule();
    if (turn.isWaiting || (turn.messages < this.#limits.messages && turn.bytes < this.#limits.bytes)) return;
    turn.isWaiting = true;
    this.#waiting.set(turn, taker);
    taker.pause();
  }

  /** The connection has ended. */
  forget(turn: Turn): void {
    this.#waiting.delete(turn);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#timers.soon(() => this.#next());
  }

  #next(): void {
    this.#isScheduled = false;
    this.#number += 1;
    let left = this.#limits.resumed;
    for (const [turn, taker] of this.#waiting) {
      if (left === 0) break;
      left -= 1;
      this.#waiting.delete(turn);
      turn.isWaiting = false;
      taker.resume();
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}
