import type { Duplex } from "node:stream";
import { type CloseCode, LIMITS } from "@hawser/protocol";
import { MessageLimit } from "./message-limit.js";

/**
 * Keeps what an accepted connection holds for a peer that has not been welcomed to `LIMITS.maxHelloBytes`. It looks at the socket beside `ws`, which has one
 * limit of its own for good, and goes with the welcome: then nothing of it is left in the way.
 */
export class HelloGuard {
  readonly #socket: Duplex;
  readonly #limit = new MessageLimit(LIMITS.maxHelloBytes);
  readonly #violated: (code: CloseCode, maxBytes: number) => void;
  readonly #onData = (chunk: Buffer): void => this.#look(chunk);

  /**
   * @param socket of a WebSocket that reads it already: it has taken a chunk in before the guard sees it
   * @param violated a message was announced that is too large, or came in too many pieces; to be followed by `stopReading`
   */
  constructor(socket: Duplex, violated: (code: CloseCode, maxBytes: number) => void) {
    this.#socket = socket;
    this.#violated = violated;
    socket.on("data", this.#onData);
  }

  release(): void {
    this.#socket.off("data", this.#onData);
  }

  /** What follows is read and thrown away, so that the peer can hear why: bytes left unread would reset the connection before that. */
  stopReading(): void {
    this.#socket.removeAllListeners("data");
    this.#socket.on("data", () => {});
    this.#socket.resume();
  }

  #look(chunk: Buffer): void {
    const code = this.#limit.violationIn(chunk);
    if (code !== undefined) this.#violated(code, LIMITS.maxHelloBytes);
  }
}
