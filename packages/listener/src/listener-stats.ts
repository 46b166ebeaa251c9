import type { AdmissionStats } from "./admission/admission-queue.js";

/** What became of accepted sockets, since the listener was made, and those it has now. */
export interface ListenerStats extends AdmissionStats {
  /** Sockets and streams that are no session yet, now. */
  readonly unauthenticated: number;
  /** Sockets and streams closed because there were more of these than `maxUnauthenticated`. */
  readonly overBudget: number;
  /** Given to an acceptor to become a session. */
  readonly handedOver: number;
  /** Closed without a word, because `maxRefusing` others were being refused all the while. */
  readonly overCapacity: number;
  /** Closed when they came, because there were as many descriptors in use as `maxDescriptor` says. */
  readonly outOfDescriptors: number;
  /** Closed because their handshake (or their refusal) took too long. */
  readonly handshakeTimeout: number;
  /** TLS handshakes that failed: no common version or protocol, no or a bad client certificate, or a reset on the way. */
  readonly tlsFailed: number;
  /** Told that this port does not speak their protocol. */
  readonly unsupportedProtocol: number;
  /** Gone by themselves before they told their protocol. */
  readonly lost: number;
}

type Outcome = Exclude<keyof ListenerStats, keyof AdmissionStats | "unauthenticated">;

export class ListenerCounts {
  readonly #counts: Record<Outcome, number> = {
    handedOver: 0,
    overCapacity: 0,
    overBudget: 0,
    outOfDescriptors: 0,
    handshakeTimeout: 0,
    tlsFailed: 0,
    unsupportedProtocol: 0,
    lost: 0,
  };

  /** Returns how many there were of it, with this one. */
  count(outcome: Outcome): number {
    this.#counts[outcome] += 1;
    return this.#counts[outcome];
  }

  stats(now: AdmissionStats & Pick<ListenerStats, "unauthenticated">): ListenerStats {
    return { ...now, ...this.#counts };
  }
}
