import { HawserError } from "@hawser/protocol";
import { guarded, type Timers } from "@hawser/runtime";
import type { Connection, PeerInfo } from "../connection.js";
import { dialOnce } from "../dial.js";
import type { Dialer, DialOptions } from "../dialer.js";
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
    const settings = { ...options, name: "The memory acceptor", timers: this.#timers };
    return dialOnce(settings, { open: (signal) => this.#open(signal), cancel: () => {} });
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
    const held = [...this.#heldDials];
    this.#heldDials.clear();
    for (const connect of held) connect();
    for (const link of this.#links) link.wake();
  }

  #connect(): Connection {
    const link = this.#switchboard.connect(this.#peer, () => this.#holding);
    if (link === undefined)
      throw new HawserError("connection_failed", "The memory acceptor is not accepting connections.");
    this.#links.add(link);
    return link.client;
  }

  #open(signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const connect = (): void => {
        if (signal.aborted) return;
        if (this.#holding) return void this.#heldDials.add(connect);
        // An acceptor whose owner throws has made no connection.
        guarded(() => resolve(this.#connect()), reject);
      };
      signal.addEventListener("abort", () => this.#heldDials.delete(connect));
      this.#timers.soon(connect);
    });
  }
}
