import type { Socket } from "node:net";
import type { Runtime, Timer } from "@hawser/runtime";
import { ShapedStream, type Shape } from "./shaped-stream.js";

export interface ProxiedConnectionParts {
  readonly runtime: Runtime;
  readonly shape: () => Shape;
  readonly idleCutMs: () => number;
  readonly client: Socket;
  readonly target: Socket;
  readonly passed: (direction: "up" | "down", bytes: number) => void;
  readonly idleCut: () => void;
  /** Both sockets are closed. */
  readonly over: () => void;
}

/** One connection through the proxy: a socket to the client, one to the target, a stream each way. */
export class ProxiedConnection {
  readonly #parts: ProxiedConnectionParts;
  readonly #streams: readonly ShapedStream[];
  #lastPassedAt: number;
  #swallowed = false;
  #idleTimer: Timer | undefined;

  constructor(parts: ProxiedConnectionParts) {
    this.#parts = parts;
    const { runtime, shape, client, target } = parts;
    this.#lastPassedAt = runtime.clock.now();
    this.#streams = [
      new ShapedStream(runtime, shape, { source: client, target, passed: this.#noting("up") }),
      new ShapedStream(runtime, shape, { source: target, target: client, passed: this.#noting("down") }),
    ];
    this.#follow(client, target);
    this.#follow(target, client);
    this.watchIdle();
  }

  get isSwallowed(): boolean {
    return this.#swallowed;
  }

  /** RST to both. */
  reset(): void {
    for (const socket of this.#sockets()) socket.resetAndDestroy();
  }

  /** From now on nothing passes and neither side learns what happens to the other: a half-open connection. */
  swallow(): void {
    this.#swallowed = true;
    for (const stream of this.#streams) stream.stop();
  }

  /** The settings have changed: they hold for what is under way as well. */
  reshape(): void {
    for (const stream of this.#streams) stream.reshape();
    this.watchIdle();
  }

  /** Arms the idle cut by the setting of now. */
  watchIdle(): void {
    const { runtime, idleCutMs } = this.#parts;
    this.#idleTimer?.cancel();
    const limit = idleCutMs();
    if (limit === Number.POSITIVE_INFINITY || this.#swallowed) return;
    const idleFor = runtime.clock.now() - this.#lastPassedAt;
    if (idleFor >= limit) {
      this.#parts.idleCut();
      return this.reset();
    }
    this.#idleTimer = runtime.timers.after(limit - idleFor, () => this.watchIdle());
  }

  #noting(direction: "up" | "down"): (bytes: number) => void {
    return (bytes) => {
      this.#lastPassedAt = this.#parts.runtime.clock.now();
      this.#parts.passed(direction, bytes);
    };
  }

  /** What becomes of one socket becomes of the other, unless the connection is swallowed. */
  #follow(socket: Socket, other: Socket): void {
    socket.on("error", () => {
      if (!this.#swallowed) other.resetAndDestroy();
    });
    socket.on("close", () => {
      if (!this.#swallowed && !other.writableEnded) other.destroySoon();
      if (!this.#sockets().every((each) => each.closed || each.destroyed)) return;
      this.#idleTimer?.cancel();
      for (const stream of this.#streams) stream.stop();
      this.#parts.over();
    });
  }

  #sockets(): readonly Socket[] {
    return [this.#parts.client, this.#parts.target];
  }
}
