/** Limits of the lines per key. */
export interface LogLimits {
  /** Lines at once. @default 10: enough to see the mistake of a peer */
  readonly burst?: number;
  /** Lines a second behind the burst. @default 1 */
  readonly linesPerSecond?: number;
  /** Remembered keys; the quietest is forgotten first. @default 4,096 (about 1 MB) */
  readonly maxKeys?: number;
}

/** Default lines of one key at once: enough to see the problem. */
export const DEFAULT_LOG_BURST = 10;
/** Default lines of one key a second afterwards: enough to see that the problem persists. */
export const DEFAULT_LOG_LINES_PER_SECOND = 1;
/** Default number of keys; the quietest is forgotten first. */
export const DEFAULT_MAX_LOG_KEYS = 4_096;

/** The verdict on a line; `suppressed` counts the lines before it. */
export type LogVerdict = { readonly write: true; readonly suppressed: number } | { readonly write: false };

interface Bucket {
  tokens: number;
  /** When the tokens were counted, in monotonic milliseconds. */
  at: number;
  suppressed: number;
}

/** A token bucket per key, in a bounded table. The caller gives the time. */
export class LogLimiter {
  readonly #burst: number;
  readonly #perMs: number;
  readonly #maxKeys: number;
  /** In order of use, the latest last. */
  readonly #buckets = new Map<string, Bucket>();
  /** Suppressed lines of forgotten keys; the next written line reports them. */
  #forgotten = 0;

  constructor(limits: LogLimits = {}) {
    this.#burst = limits.burst ?? DEFAULT_LOG_BURST;
    this.#perMs = (limits.linesPerSecond ?? DEFAULT_LOG_LINES_PER_SECOND) / 1000;
    this.#maxKeys = limits.maxKeys ?? DEFAULT_MAX_LOG_KEYS;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** @param allowed a further limit; false suppresses and counts the line */
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
