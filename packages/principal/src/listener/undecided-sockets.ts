import type { Timer, Timers } from "@hawser/runtime";
import type { Socket } from "node:net";

/** A socket that has not told its protocol yet. */
export interface Undecided {
  readonly socket: Socket;
  /** `host:port` of the other end. */
  readonly address: string;
  /** What it is waiting for: the TLS handshake, the bytes that tell the protocol, or (`refused`) the client to read that it is not served here. */
  stage: "tls" | "protocol" | "refused";
  /** Known once TLS has ended here. */
  certificateName: string | undefined;
}

interface Waiting extends Undecided {
  readonly deadline: Timer;
}

export interface UndecidedSocketsOptions {
  readonly max: number;
  readonly timeoutMs: number;
  readonly timers: Timers;
  /** Called after a socket was destroyed because its time was over. */
  readonly timedOut: (undecided: Undecided) => void;
  /** Called when one went away by itself (or with an error) before it was settled. */
  readonly lost: (undecided: Undecided) => void;
}

/**
 * The sockets between accept and decision: at most `max`, each for at most `timeoutMs`. Whoever connects and stays silent therefore
 * costs a bounded number of descriptors for a bounded time. At the bound newcomers are turned away, so those that are under way can finish.
 */
export class UndecidedSockets {
  readonly #options: UndecidedSocketsOptions;
  readonly #waiting = new Map<Socket, Waiting>();

  constructor(options: UndecidedSocketsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Undefined at the bound; the socket is left alone then. */
  add(socket: Socket, address: string, stage: Undecided["stage"]): Undecided | undefined {
    if (this.#waiting.size >= this.#options.max) return undefined;
    const deadline = this.#options.timers.after(this.#options.timeoutMs, () => {
      if (!this.settle(waiting)) return;
      socket.destroy();
      this.#options.timedOut(waiting);
    });
    const waiting: Waiting = { socket, address, stage, certificateName: undefined, deadline };
    this.#waiting.set(socket, waiting);
    socket.once("close", () => {
      if (this.settle(waiting)) this.#options.lost(waiting);
    });
    return waiting;
  }

  /** The socket is somebody else's now. False when it had timed out or gone before. */
  settle({ socket }: Undecided): boolean {
    this.#waiting.get(socket)?.deadline.cancel();
    return this.#waiting.delete(socket);
  }

  /** Cuts all of them; resolves when their descriptors are closed. */
  async destroyAll(): Promise<void> {
    const closed = [...this.#waiting.values()].map(
      (waiting) =>
        new Promise<void>((resolve) => {
          this.settle(waiting);
          waiting.socket.once("close", () => resolve());
          waiting.socket.destroy();
        }),
    );
    await Promise.all(closed);
  }
}
