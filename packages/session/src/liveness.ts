import type { Welcome } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import type { SessionTiming } from "./session-timing.js";

/**
 * Bytes of a message under way that count as life: on a slow line heartbeats wait behind it.
 * Transport pings send far fewer within the silence limit.
 */
export const MIN_HEARD_BYTES = 16_384;

export interface LivenessTerms {
  /** Between two heartbeats of this side. */
  readonly intervalMs: number;
  /** Silence of the peer that ends the session; a uniform draw of the same size comes on top. */
  readonly timeoutMs: number;
}

/**
 * Heartbeats out, silence in (PROTOCOL.md, Liveness).
 *
 * The first heartbeat goes out at a random moment of the first interval and the limit of silence is
 * drawn per session, so that a fleet that connected at once neither beats nor gives up in unison.
 */
export class Liveness {
  /** How long the peer may be silent. */
  readonly silenceMs: number;
  readonly #intervalMs: number;
  #heardAtMs: number;
  #beatAtMs: number;
  /** Bytes received when they counted last, and when they were looked at last. */
  #countedBytes: number | undefined;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor({ intervalMs, timeoutMs }: LivenessTerms, random: Random, nowMs: number) {
    this.silenceMs = timeoutMs + random.next() * timeoutMs;
    this.#intervalMs = intervalMs;
    this.#heardAtMs = nowMs;
    this.#beatAtMs = nowMs + random.next() * intervalMs;
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  /** When the peer showed life last. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /**
   * @param bytes that ever came from the peer; undefined where nobody counts them. To be told
   *   before each `isSilent`.
   */
  received(bytes: number | undefined, nowMs: number): void {
    if (bytes === undefined) return;
    // What came with a message, or before it, says nothing of the time since.
    if (this.#countedBytes === undefined || this.#heardAtMs > this.#lookedAtMs) this.#countedBytes = bytes;
    else if (bytes - this.#countedBytes >= MIN_HEARD_BYTES) {
      this.#countedBytes = bytes;
      this.#heardAtMs = nowMs;
    }
    this.#lookedAtMs = nowMs;
  }

  isSilent(nowMs: number): boolean {
    return nowMs >= this.#heardAtMs + this.silenceMs;
  }

  /** True when a heartbeat is due; it counts as sent. A long pause is followed by one only. */
  takeBeat(nowMs: number): boolean {
    if (nowMs < this.#beatAtMs) return false;
    this.#beatAtMs = nowMs + this.#intervalMs;
    return true;
  }

  nextAt(): number {
    return Math.min(this.#beatAtMs, this.#heardAtMs + this.silenceMs);
  }
}

/**
 * The agent's terms. The principal sets the pace in its welcome; an agent may be stricter, but
 * bears silence for at least two of the principal's intervals.
 */
export function agentLiveness(own: SessionTiming, welcome: Welcome): LivenessTerms {
  const strictest = Math.min(own.heartbeatTimeoutMs, welcome.heartbeat_timeout_ms);
  return {
    intervalMs: Math.min(own.heartbeatIntervalMs, welcome.heartbeat_interval_ms),
    timeoutMs: Math.max(strictest, 2 * welcome.heartbeat_interval_ms),
  };
}
