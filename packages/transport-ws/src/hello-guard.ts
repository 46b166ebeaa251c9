import type { Duplex } from "node:stream";
import { type CloseCode, LIMITS } from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";
import { MessageLimit } from "./message-limit.js";

/** What is read and thrown away of a peer that was refused: an honest one is through with that much. */
const MAX_DRAINED_BYTES = 65_536;

/** How long a peer that sends more than that has to read why. */
const LINGER_MS = 2_000;

/**
 * Keeps what an accepted connection holds for a peer that has not been welcomed to `LIMITS.maxHelloBytes`. It looks at the socket beside `ws`, which has one
 * limit of its own for good, and goes with the welcome: then nothing of it is left in the way.
 */
export class HelloGuard {
  readonly #socket: Duplex;
  readonly #timers: Timers;
  readonly #limit = new MessageLimit(LIMITS.maxHelloBytes);
  readonly #violated: (code: CloseCode, maxBytes: number) => void;
  readonly #onData = (chunk: Buffer): void => this.#look(chunk);

  /**
   * @param socket of a WebSocket that reads it already: it has taken a chunk in before the guard sees it
   * @param violated a message was announced that is too large, or came in too many pieces; to be followed by `stopReading`
   */
  constructor(socket: Duplex, timers: Timers, violated: (code: CloseCode, maxBytes: number) => void) {
    this.#socket = socket;
    this.#timers = timers;
    this.#violated = violated;
    socket.on("data", this.#onData);
  }

  release(): void {
    this.#socket.off("data", this.#onData);
  }

  /**
   * What follows is read and thrown away, so that the peer can hear why: bytes left unread would reset
   * the connection before that. Of a peer that goes on sending, the rest stays with the system, which
   * holds it back, and the connection is closed after a while.
   */
  stopReading(): void {
    const socket = this.#socket;
    let left = MAX_DRAINED_BYTES;
    socket.removeAllListeners("data");
    socket.on("data", (chunk: Buffer) => {
      left -= chunk.length;
      if (left > 0 || socket.isPaused()) return;
      socket.pause();
      const linger = this.#timers.after(LINGER_MS, () => socket.destroy());
      socket.once("close", () => linger.cancel());
    });
    socket.resume();
  }

  #look(chunk: Buffer): void {
    const code = this.#limit.violationIn(chunk);
    if (code !== undefined) this.#violated(code, LIMITS.maxHelloBytes);
  }
}
