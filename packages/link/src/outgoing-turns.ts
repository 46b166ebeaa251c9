import { TurnQueue, type Runtime } from "@hawser/runtime";

/** Bytes of events: a millisecond or two of work, or a large event. */
const OUTGOING = { perTurn: 262_144, perSecond: 20_000_000 };

/** What a session may send in a turn of the event loop whatever others do. In bytes of events. */
const FREE_BYTES = 65_536;
/** So much is asked for at least, because asking costs as well. */
const MIN_SHARE_BYTES = 16_384;

/** The turns that all sessions of a process share for what they send. */
export class OutgoingTurns {
  readonly #queue: TurnQueue;

  constructor(runtime: Pick<Runtime, "clock" | "timers">) {
    this.#queue = new TurnQueue(runtime, OUTGOING);
  }

  /** @param ready the session may send again; must not throw */
  newShare(ready: () => void): OutgoingShare {
    return new OutgoingShare(this.#queue, ready);
  }
}

/**
 * Bytes one session may send in a turn of the event loop: a few at once, more only in its turn
 * among all sessions. Encoding a window of large events would delay the others.
 */
export class OutgoingShare {
  readonly #queue: TurnQueue;
  readonly #ready: () => void;
  #room = 0;
  #isWaiting = false;

  constructor(queue: TurnQueue, ready: () => void) {
    this.#queue = queue;
    this.#ready = ready;
  }

  /** `ready` follows. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** The session begins to send. */
  begin(): void {
    this.#room = Math.max(this.#room, FREE_BYTES);
  }

  /** Whether so many bytes may go now. If not, `ready` is called when they may. */
  hasRoomFor(bytes: number): boolean {
    if (bytes > this.#room && !this.#isWaiting) this.#ask(Math.max(bytes - this.#room, MIN_SHARE_BYTES));
    return bytes <= this.#room;
  }

  /** They went. */
  sent(bytes: number): void {
    this.#room -= bytes;
  }

  #ask(bytes: number): void {
    let isAtOnce = true;
    this.#isWaiting = true;
    this.#queue.run(() => {
      this.#isWaiting = false;
      this.#room += bytes;
      if (!isAtOnce) this.#ready();
    }, bytes);
    isAtOnce = false;
  }
}
