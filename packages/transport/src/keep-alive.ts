import type { Duplex } from "node:stream";
import { HawserError } from "@hawser/protocol";
import { guarded, type Timer, type Timers } from "@hawser/runtime";

/** What `KeepAlive` needs of a connection. */
export interface WatchedConnection {
  /** Every byte that was ever read from the peer, whatever it belongs to. */
  readonly bytesRead: () => number;
  /** True while this side does not read, so that the peer's silence proves nothing. */
  readonly isPaused: () => boolean;
  readonly ping: () => void;
  /** The peer is gone. Called once; nothing is watched afterwards. */
  readonly dead: (error: HawserError) => void;
}

/**
 * Pings a peer that has been silent for an interval, and gives it up when another interval passes
 * without a byte from it. So a quiet connection stays open through what cuts idle ones, and a peer
 * behind a network that swallows everything is found out within twice the interval.
 *
 * Any byte counts as a sign of life, not only the pong: on a slow line the pong waits behind
 * everything that was sent before it.
 */
export class KeepAlive {
  readonly #intervalMs: number;
  readonly #timers: Timers;
  readonly #connection: WatchedConnection;
  #timer: Timer | undefined;
  #readBefore = 0;
  /** Half intervals without a byte. */
  #silent = 0;

  /** @param intervalMs 0 for never */
  constructor(intervalMs: number, timers: Timers, connection: WatchedConnection) {
    this.#intervalMs = intervalMs;
    this.#timers = timers;
    this.#connection = connection;
  }

  start(): void {
    if (this.#intervalMs === 0) return;
    this.#readBefore = this.#connection.bytesRead();
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  // Looking twice an interval tells a silence of one interval from the one of two without a timer
  // that is set anew for each message.
  #schedule(): void {
    this.#timer = this.#timers.after(this.#intervalMs / 2, () =>
      guarded(
        () => this.#look(),
        (thrown) => this.#givenUp(HawserError.from(thrown)),
      ),
    );
  }

  // A connection that cannot be looked after is as good as dead.
  #givenUp(error: HawserError): void {
    this.stop();
    guarded(
      () => this.#connection.dead(error),
      () => {},
    );
  }

  #look(): void {
    const { bytesRead, isPaused, ping } = this.#connection;
    const read = bytesRead();
    this.#silent = read !== this.#readBefore || isPaused() ? 0 : this.#silent + 1;
    this.#readBefore = read;
    if (this.#silent === 3) {
      const waitedMs = this.#intervalMs;
      const error = new HawserError("timeout", `The peer answered nothing for ${waitedMs} ms after a ping.`);
      return this.#givenUp(error);
    }
    if (this.#silent === 1) ping();
    this.#schedule();
  }
}

/** What a socket has read, whoever reads it; 0 for a stream that does not count. */
export function bytesReadFrom(socket: Duplex): number {
  return "bytesRead" in socket && typeof socket.bytesRead === "number" ? socket.bytesRead : 0;
}
