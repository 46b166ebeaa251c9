import type { Random } from "@hawser/runtime";

export interface LivenessOptions {
  /** Between two heartbeats of this side. */
  readonly intervalMs: number;
  /** Silence of the peer that ends the session; a uniform draw of the same size comes on top. */
  readonly timeoutMs: number;
  readonly random: Random;
}

/**
 * Heartbeats out, silence in (PROTOCOL.md, Liveness).
 *
 * The first heartbeat goes out at a random moment of the first interval and the limit of silence is drawn per session, so that a fleet that
 * connected at once neither beats nor gives up in unison.
 */
export class Liveness {
  readonly #intervalMs: number;
  /** How long the peer may be silent. */
  readonly silenceMs: number;
  #heardAtMs: number;
  #beatAtMs: number;

  constructor({ intervalMs, timeoutMs, random }: LivenessOptions, nowMs: number) {
    this.#intervalMs = intervalMs;
    this.silenceMs = timeoutMs + random.next() * timeoutMs;
    this.#heardAtMs = nowMs;
    this.#beatAtMs = nowMs + random.next() * intervalMs;
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  isSilent(nowMs: number): boolean {
    return nowMs >= this.#heardAtMs + this.silenceMs;
  }

  /** True when a heartbeat is due, which then counts as sent. After a long pause one goes out, not all that were missed. */
  takeBeat(nowMs: number): boolean {
    if (nowMs < this.#beatAtMs) return false;
    this.#beatAtMs = nowMs + this.#intervalMs;
    return true;
  }

  nextAt(): number {
    return Math.min(this.#beatAtMs, this.#heardAtMs + this.silenceMs);
  }
}
