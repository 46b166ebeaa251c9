import { HawserError } from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";
import type { Connection, PeerInfo } from "../connection.js";
import { DEFAULT_DIAL_TIMEOUT_MS, type Dialer, type DialOptions } from "../dialer.js";
import type { LinkFaults } from "../link-faults.js";
import type { MemoryLink } from "./memory-link.js";

/** What the dialer asks of the transport it belongs to. */
export interface MemorySwitchboard {
  /** A new link from `peer`, already handed to the acceptor; undefined when nobody accepts. */
  connect(peer: PeerInfo, held: () => boolean): MemoryLink | undefined;
}

/** Dials the acceptor of its memory transport, and can make trouble for the connections it made. */
export class MemoryDialer implements Dialer, LinkFaults {
  readonly transport = "memory";
  readonly #peer: PeerInfo;
  readonly #timers: Timers;
  readonly #switchboard: MemorySwitchboard;
  readonly #links = new Set<MemoryLink>();
  readonly #heldDials = new Set<() => void>();
  #holding = false;

  constructor(peer: PeerInfo, timers: Timers, switchboard: MemorySwitchboard) {
    this.#peer = peer;
    this.#timers = timers;
    this.#switchboard = switchboard;
  }

  dial(options: DialOptions = {}): Promise<Connection> {
    const { signal, timeoutMs = DEFAULT_DIAL_TIMEOUT_MS } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(
          new HawserError("aborted", "The caller had given up before dialling.", { cause: signal.reason }),
        );
        return;
      }
      const settle = (): void => {
        attempt.cancel();
        deadline.cancel();
        this.#heldDials.delete(connect);
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        settle();
        reject(new HawserError("aborted", "The caller gave up dialling.", { cause: signal?.reason }));
      };
      const connect = (): void => {
        if (this.#holding) {
          this.#heldDials.add(connect);
          return;
        }
        settle();
        const link = this.#switchboard.connect(this.#peer, () => this.#holding);
        if (link === undefined) {
          reject(new HawserError("connection_failed", "The memory acceptor is not accepting connections."));
          return;
        }
        this.#links.add(link);
        resolve(link.client);
      };
      const attempt = this.#timers.soon(connect);
      const deadline = this.#timers.after(timeoutMs, () => {
        settle();
        reject(new HawserError("timeout", `Nothing answered within ${timeoutMs} ms.`));
      });
      signal?.addEventListener("abort", onAbort);
    });
  }

  cut(): void {
    for (const link of this.#links) this.#timers.soon(() => link.cut());
    this.#links.clear();
  }

  blackhole(): void {
    this.#holding = true;
  }

  restore(): void {
    this.#holding = false;
    for (const connect of this.#heldDials) connect();
    for (const link of this.#links) link.wake();
  }
}
