import type { Duplex } from "node:stream";
import { HawserError } from "@hawser/protocol";
import { guarded, type Timer, type Timers } from "@hawser/runtime";

/**
 * Writes the messages of one tick with one system call: the first message corks the socket, the end
 * of the tick uncorks it. Worth a factor of two to four in messages per second.
 */
export class WriteBatch {
  readonly #socket: Duplex;
  readonly #timers: Timers;
  readonly #flush: () => void;
  #due: Timer | undefined;

  constructor(socket: Duplex, timers: Timers) {
    this.#socket = socket;
    this.#timers = timers;
    this.#flush = () =>
      guarded(
        () => this.flush(),
        (thrown) => socket.destroy(HawserError.from(thrown)),
      );
  }

  /** Call before each write. */
  begin(): void {
    if (this.#due !== undefined) return;
    this.#socket.cork();
    this.#due = this.#timers.soon(this.#flush);
  }

  /** Writes the gathered messages now. */
  flush(): void {
    if (this.#due === undefined) return;
    this.#due.cancel();
    this.#due = undefined;
    this.#socket.uncork();
  }
}
