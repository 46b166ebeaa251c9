/** What became of accepted sockets, since the listener was made. */
export interface ListenerStats {
  /** Sockets that have not told their protocol yet, now. */
  readonly undecided: number;
  /** Given to an acceptor. */
  readonly handedOver: number;
  /** Closed at once because `maxUndecided` others were waiting. */
  readonly overCapacity: number;
  /** Closed because they did not tell their protocol (or finish TLS) in time. */
  readonly helloTimeout: number;
  /** TLS handshakes that failed: no common version or protocol, no or a bad client certificate, or a reset on the way. */
  readonly tlsFailed: number;
  /** Told that this port does not speak their protocol. */
  readonly unsupportedProtocol: number;
  /** Gone by themselves before they told their protocol. */
  readonly lost: number;
}

type Outcome = Exclude<keyof ListenerStats, "undecided">;

export class ListenerCounts {
  readonly #counts: Record<Outcome, number> = {
    handedOver: 0,
    overCapacity: 0,
    helloTimeout: 0,
    tlsFailed: 0,
    unsupportedProtocol: 0,
    lost: 0,
  };

  /** Returns how many there were of it, with this one. */
  count(outcome: Outcome): number {
    this.#counts[outcome] += 1;
    return this.#counts[outcome];
  }

  stats(undecided: number): ListenerStats {
    return { undecided, ...this.#counts };
  }
}
