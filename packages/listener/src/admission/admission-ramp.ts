/** Share of the full rate right after opening. */
const INITIAL_SHARE = 0.1;

/** The rate after opening grows evenly from a tenth, so that a waiting fleet does not come at once. */
export class AdmissionRamp {
  readonly #openedAtMs: number;
  readonly #rampMs: number;

  constructor(openedAtMs: number, rampMs: number) {
    this.#openedAtMs = openedAtMs;
    this.#rampMs = rampMs;
  }

  /** Of the full rate, from a tenth to 1. */
  shareAt(nowMs: number): number {
    if (this.#rampMs === 0) return 1;
    const elapsed = Math.max(0, nowMs - this.#openedAtMs) / this.#rampMs;
    return Math.min(1, INITIAL_SHARE + (1 - INITIAL_SHARE) * elapsed);
  }

  /** Seconds of the full rate that will be missing until `untilMs`, or until the ramp ends. */
  secondsMissing(nowMs: number, untilMs = Number.POSITIVE_INFINITY): number {
    const endMs = Math.min(untilMs, this.#openedAtMs + this.#rampMs);
    const leftMs = Math.max(0, endMs - nowMs);
    return ((1 - this.shareAt(nowMs) + (1 - this.shareAt(endMs))) * leftMs) / 2 / 1000;
  }
}
