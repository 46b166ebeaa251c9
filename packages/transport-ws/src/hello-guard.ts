import type { Duplex } from "node:stream";
import { type CloseCode, LIMITS } from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";
import { MessageLimit } from "./message-limit.js";

/** Bytes read and discarded from a refused peer; an honest one sends no more. */
const MAX_DRAINED_BYTES = 65_536;

/** How long a peer that sends more may read the reason. */
const LINGER_MS = 2_000;

/**
 * Bounds a message of a peer without a welcome to `LIMITS.maxHelloBytes`. It watches the socket
 * beside `ws`, whose only limit is fixed, and is removed with the welcome.
 */
export class HelloGuard {
  readonly #socket: Duplex;
  readonly #timers: Timers;
  readonly #limit = new MessageLimit(LIMITS.maxHelloBytes);
  readonly #violated: (code: CloseCode, maxBytes: number) => void;
  readonly #onData = (chunk: Buffer): void => this.#look(chunk);

  /**
   * @param socket of a WebSocket that reads it already, and so gets each chunk first
   * @param violated a message was announced that is too large, or came in too many pieces;
   *   `stopReading` follows
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
   * Discards what follows, so that the peer can read the reason: unread bytes would reset the
   * connection before. Beyond `MAX_DRAINED_BYTES` the system holds the peer back, and the
   * connection is closed after `LINGER_MS`.
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
