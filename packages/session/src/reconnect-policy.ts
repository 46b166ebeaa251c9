import { fullJitter, type Random } from "@hawser/runtime";
import { resolveReconnectTiming, type ReconnectTiming } from "./reconnect-timing.js";
import type { RefusalCode } from "./close-reasons.js";
import { endBeforeOpen, type DialFailure, type EndReason } from "./session-end.js";

/** When to dial again, and how much to make of it. */
export interface Reconnect {
  readonly delayMs: number;
  /** Somebody has to do something: log it as an error. */
  readonly loud: boolean;
  /** One line for the log. */
  readonly reason: string;
}

/** What a `ReconnectPolicy` is made of. */
export interface ReconnectPolicyOptions {
  readonly random: Random;
  readonly timing?: Partial<ReconnectTiming>;
}

/** Refusals that no other credential would change. */
const WITHOUT_CREDENTIALS: readonly RefusalCode[] = [
  "unsupported_version",
  "store_rolled_back",
  "agent_removed",
];
/** Extra delay after a shared Retry-After, so that agents do not come back in one moment. */
const RETRY_AFTER_SPREAD = { ofDelay: 0.1, minMs: 250, maxMs: 30_000 } as const;

/**
 * When an agent dials again, by how its last connection ended (PROTOCOL.md, Reconnecting).
 *
 * | how it ended | next try |
 * |---|---|
 * | rotation, clean end | at once; after less than `shortSessionMs` as after a failure |
 * | drain notice | at the slot it named |
 * | refused with a slot | at the slot |
 * | refused with a shared Retry-After | at the time named, and a little after |
 * | identity or version refused | after up to `refusedFirstMs`, doubling to `refusedMaxMs`, loud; at once with new credentials |
 * | a store was rolled back | the same, but for the credentials |
 * | anything else, superseded too | full jitter over an exponential, above a floor |
 *
 * One policy serves one agent for all its connections; what it knows is how long the last session
 * was open (`opened` to `next`) and how many failures came in a row.
 *
 * @throws HawserError `invalid_config` for impossible timing
 */
export class ReconnectPolicy {
  readonly #random: Random;
  readonly #timing: ReconnectTiming;
  #failures = 0;
  /** In a row, since the last session. */
  #refusals = 0;
  #openedAtMs: number | undefined;
  #wantsCredentials = false;

  constructor({ random, timing }: ReconnectPolicyOptions) {
    this.#random = random;
    this.#timing = resolveReconnectTiming(timing);
  }

  /** Failures since the last stable session. */
  get failures(): number {
    return this.#failures;
  }

  /** A session opened. Failures are forgotten only when it turns out to have been stable. */
  opened(nowMs: number): void {
    this.#openedAtMs = nowMs;
    this.#refusals = 0;
    this.#wantsCredentials = false;
  }

  /** The connection ended or failed: when to try again. A `SessionEnd` is an `EndReason`. */
  next(end: EndReason | DialFailure, nowMs: number): Reconnect {
    const livedMs = this.#openedAtMs === undefined ? 0 : nowMs - this.#openedAtMs;
    this.#openedAtMs = undefined;
    this.#wantsCredentials = false;
    if (livedMs >= this.#timing.stableAfterMs) this.#failures = 0;
    return this.#after(end.kind === "dialFailed" ? endBeforeOpen(end.error) : end, livedMs);
  }

  /** New credentials are there. True: the last `next` waits for them, so dial now. */
  credentialsChanged(): boolean {
    const dialNow = this.#wantsCredentials;
    this.#wantsCredentials = false;
    return dialNow;
  }

  #after(end: EndReason, livedMs: number): Reconnect {
    switch (end.kind) {
      case "rotated":
      case "clean":
        return this.#afterCleanEnd(end.kind, livedMs);
      case "drained":
        return this.#afterDrain(end, livedMs);
      case "retryAfter":
        return this.#afterRetryAfter(end);
      case "refused":
        return this.#afterRefusal(end);
      case "superseded":
        return this.#backOff(`another session of this agent took over: ${end.error.message}`, true);
      case "failed":
        return this.#backOff(`${end.error.code}: ${end.error.message}`, false);
    }
  }

  #afterCleanEnd(kind: "rotated" | "clean", livedMs: number): Reconnect {
    if (livedMs < this.#timing.shortSessionMs) {
      const why = `the session ended cleanly (${kind}), but after only ${Math.round(livedMs)} ms`;
      return this.#backOff(why, false);
    }
    return { delayMs: 0, loud: false, reason: kind === "rotated" ? "rotation" : "the session ended cleanly" };
  }

  // Exactly at the slot, as the principal spaces them; a short session waits the floor, so that a
  // slot of 0 cannot spin.
  #afterDrain({ slotMs, windowMs }: EndReason & { kind: "drained" }, livedMs: number): Reconnect {
    const { shortSessionMs, backoffMinMs } = this.#timing;
    const leastMs = livedMs < shortSessionMs ? backoffMinMs : 0;
    const reason = `drained: slot at ${Math.round(slotMs)} ms of ${Math.round(windowMs)} ms`;
    return { delayMs: Math.max(leastMs, this.#bounded(slotMs)), loud: false, reason };
  }

  #afterRetryAfter({ ms, slot, error }: EndReason & { kind: "retryAfter" }): Reconnect {
    const delayMs = slot ? this.#bounded(ms) : this.#spread(this.#bounded(ms));
    // No slot may spin, whatever a principal says.
    const leastMs = this.#timing.backoffMinMs;
    const reason = `asked to come back: ${error.message}`;
    return { delayMs: Math.max(leastMs, delayMs), loud: false, reason };
  }

  #afterRefusal({ code, error, retryAfterMs }: EndReason & { kind: "refused" }): Reconnect {
    const { refusedFirstMs, refusedMaxMs } = this.#timing;
    const ceilingMs = Math.min(refusedMaxMs, refusedFirstMs * 2 ** this.#refusals);
    this.#refusals += 1;
    this.#wantsCredentials = !WITHOUT_CREDENTIALS.includes(code);
    const ownMs = (ceilingMs / 2) * (1 + this.#random.next());
    const askedMs = retryAfterMs === undefined ? 0 : this.#spread(this.#bounded(retryAfterMs));
    return { delayMs: Math.max(ownMs, askedMs), loud: true, reason: `refused: ${code}: ${error.message}` };
  }

  // The draw comes after the cap: a fleet that has reached it is spread over the whole of it.
  #backOff(why: string, loud: boolean): Reconnect {
    const { backoffMinMs, backoffMaxMs } = this.#timing;
    this.#failures += 1;
    const backoff = { floorMs: backoffMinMs, baseMs: backoffMinMs, factor: 2, capMs: backoffMaxMs };
    const delayMs = fullJitter(this.#random, backoff, this.#failures);
    return { delayMs, loud, reason: `${why} (failure ${this.#failures} in a row)` };
  }

  #spread(ms: number): number {
    const { ofDelay, minMs, maxMs } = RETRY_AFTER_SPREAD;
    return ms + this.#random.next() * Math.min(maxMs, Math.max(minMs, ofDelay * ms));
  }

  #bounded(ms: number): number {
    return Math.min(ms, this.#timing.maxRequestedMs);
  }
}
