/** How many lines one key may have. */
export interface LogLimits {
  /** Lines at once. @default 10: enough to see what a peer does wrong */
  readonly burst?: number;
  /** Lines a second behind the burst. @default 1 */
  readonly linesPerSecond?: number;
  /** Keys that are remembered; beyond, the one that was quiet for longest is forgotten. @default 4,096 (about 1 MB) */
  readonly maxKeys?: number;
}

/** Lines of one key at once: enough to see what goes wrong. */
export const DEFAULT_LOG_BURST = 10;
/** Lines of one key a second afterwards: one a second shows that it goes on. */
export const DEFAULT_LOG_LINES_PER_SECOND = 1;
/** Keys that are remembered; the one that was silent for longest is forgotten for the next. */
export const DEFAULT_MAX_LOG_KEYS = 4_096;

/** What becomes of one line: with `write`, how many before it were left out. */
export type LogVerdict = { readonly write: true; readonly suppressed: number } | { readonly write: false };

interface Bucket {
  tokens: number;
  /** When the tokens were counted, in monotonic milliseconds. */
  at: number;
  suppressed: number;
}

/** A token bucket for each key, in a table that does not grow with the number of keys. Without a clock of its own. */
export class LogLimiter {
  readonly #burst: number;
  readonly #perMs: number;
  readonly #maxKeys: number;
  /** The one that was asked for last is the last. */
  readonly #buckets = new Map<string, Bucket>();
  /** Left out under keys that were forgotten meanwhile: the next line that is written tells of them. */
  #forgotten = 0;

  constructor(limits: LogLimits = {}) {
    this.#burst = limits.burst ?? DEFAULT_LOG_BURST;
    this.#perMs = (limits.linesPerSecond ?? DEFAULT_LOG_LINES_PER_SECOND) / 1000;
    this.#maxKeys = limits.maxKeys ?? DEFAULT_MAX_LOG_KEYS;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** @param now monotonic milliseconds; @param allowed false: a limit of the caller's leaves the line out, and it is counted here */
  judge(key: string, now: number, allowed: () => boolean = () => true): LogVerdict {
    const bucket = this.#bucket(key, now);
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.at) * this.#perMs);
    bucket.at = now;
    if (bucket.tokens < 1 || !allowed()) {
      bucket.suppressed += 1;
      return { write: false };
    }
    bucket.tokens -= 1;
    const suppressed = bucket.suppressed + this.#forgotten;
    bucket.suppressed = 0;
    this.#forgotten = 0;
    return { write: true, suppressed };
  }

  #bucket(key: string, now: number): Bucket {
    const known = this.#buckets.get(key);
    const bucket = known ?? { tokens: this.#burst, at: now, suppressed: 0 };
    if (known !== undefined) this.#buckets.delete(key);
    else this.#makeRoom();
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #makeRoom(): void {
    if (this.#buckets.size < this.#maxKeys) return;
    for (const [key, { suppressed }] of this.#buckets) {
      this.#forgotten += suppressed;
      this.#buckets.delete(key);
      return;
    }
  }
}
