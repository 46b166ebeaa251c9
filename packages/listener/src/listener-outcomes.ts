import type { Logger } from "@hawser/runtime";
import type { AdmissionStats } from "./admission/admission-queue.js";
import type { AdmissionSettings } from "./admission/admission-settings.js";
import type { DropReason, PendingSocket } from "./pending-socket.js";

/** What became of accepted sockets since the listener was made, and what it holds now. */
export interface ListenerStats extends AdmissionStats {
  /** Sockets and streams that are no session yet, now. */
  readonly unauthenticated: number;
  /** Sockets and streams closed because there were more of these than `maxUnauthenticated`. */
  readonly overBudget: number;
  /** Given to an acceptor to become a session. */
  readonly handedOver: number;
  /** Closed without an answer, because `maxRefusing` others were being refused. */
  readonly overCapacity: number;
  /** Closed on arrival, because as many descriptors as `maxDescriptor` were in use. */
  readonly outOfDescriptors: number;
  /** Closed because their handshake (or their refusal) took too long. */
  readonly handshakeTimeout: number;
  /**
   * TLS handshakes that failed: no common version or protocol, no or a bad client certificate, or a
   * reset on the way.
   */
  readonly tlsFailed: number;
  /** Answered that this port does not speak their protocol. */
  readonly unsupportedProtocol: number;
  /** Closed by the peer before their protocol was known. */
  readonly lost: number;
}

type Outcome = Exclude<keyof ListenerStats, keyof AdmissionStats | "unauthenticated">;

/**
 * Counts what becomes of the sockets of a listener, and logs it. A line that a flood could repeat
 * is written once: a line for each connection would cost more than the connection.
 */
export class ListenerOutcomes {
  readonly #logger: Logger;
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
  #hasMissedHeader = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @returns how often this outcome has occurred, this time included */
  count(outcome: Outcome): number {
    this.#counts[outcome] += 1;
    return this.#counts[outcome];
  }

  stats(now: AdmissionStats & Pick<ListenerStats, "unauthenticated">): ListenerStats {
    return { ...now, ...this.#counts };
  }

  /** The peer closed the socket before it was handed over. */
  lost({ stage }: PendingSocket): void {
    if (stage !== "unsupported") this.count(stage === "tls" ? "tlsFailed" : "lost");
  }

  dropped({ address, stage }: PendingSocket, why: DropReason, settings: AdmissionSettings): void {
    if (why === "budget") return this.overBudget(address, settings);
    if (why === "timeout") {
      if (stage !== "unsupported") this.count("handshakeTimeout");
      this.#logger.debug({ address, stage, code: "handshake_timeout" }, "a handshake took too long");
      return;
    }
    if (this.count("overCapacity") > 1) return;
    this.#logger.warn(
      { max: settings.maxRefusing },
      "more connections come than can be told in time to come back; closing them without a word",
    );
  }

  overBudget(address: string, { maxUnauthenticated: max }: AdmissionSettings): void {
    if (this.count("overBudget") > 1) return;
    this.#logger.warn(
      { max, address },
      "too many connections are no session yet, or hold too much; closing those of the address with the most",
    );
  }

  /** A load balancer of `proxyProtocol` sent no header. */
  withoutProxyHeader(address: string): void {
    if (this.#hasMissedHeader) return;
    this.#hasMissedHeader = true;
    this.#logger.warn(
      { address },
      "a connection came from a load balancer of proxyProtocol without its header; tell the load balancer to send it. Said once",
    );
  }

  /**
   * A failure of TLS itself (no trust, no certificate, no TLS at all) is a mistake in somebody's
   * configuration and is a warning; a peer that only disconnects, as health checks do, is not.
   */
  notSecured(address: string, error: Error): void {
    const reason = tlsReasonOf(error);
    const fields = { address, code: "connection_failed", reason: reason ?? error.message };
    if (reason === undefined) this.#logger.debug(fields, "a TLS handshake was broken off");
    else this.#logger.warn(fields, `a TLS handshake failed: ${reason}`);
  }
}

/** OpenSSL's name for the failure; undefined for any other error. */
export function tlsReasonOf(error: Error): string | undefined {
  return "reason" in error && typeof error.reason === "string" ? error.reason : undefined;
}
