/** A send buffer without room. */
export interface FullBuffer {
  /** What waits in it. */
  readonly bufferedBytes: number;
  /** Bytes that left, where counted: a buffer may count a large write until all of it left. */
  readonly sentBytes?: number | undefined;
}

/**
 * Whether a peer reads what it is sent (PROTOCOL.md, Liveness). Its heartbeats prove that it sends;
 * a peer that never reads would otherwise stay connected, with a full buffer and nothing
 * delivered.
 *
 * Only a buffer above its high-water mark counts. Any byte that leaves it is progress, however slow
 * the line is.
 */
export class SendStall {
  readonly #limitMs: number;
  #seen: FullBuffer | undefined;
  /** When bytes left last, or the buffer filled up; undefined while there is room. */
  #sinceMs: number | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** How long nothing may leave a full buffer. */
  get limitMs(): number {
    return this.#limitMs;
  }

  /** @param buffer undefined while it has room. Call it before and after sending. */
  observe(buffer: FullBuffer | undefined, nowMs: number): void {
    if (buffer === undefined) this.#sinceMs = undefined;
    else if (this.#seen === undefined || hasLeft(this.#seen, buffer)) this.#sinceMs = nowMs;
    this.#seen = buffer;
  }

  isStuck(nowMs: number): boolean {
    return this.#sinceMs !== undefined && nowMs >= this.#sinceMs + this.#limitMs;
  }

  /** When `isStuck` turns true if nothing leaves; undefined while there is room. */
  nextAt(): number | undefined {
    return this.#sinceMs === undefined ? undefined : this.#sinceMs + this.#limitMs;
  }
}

function hasLeft(before: FullBuffer, now: FullBuffer): boolean {
  if (now.bufferedBytes < before.bufferedBytes) return true;
  return (now.sentBytes ?? Number.NaN) > (before.sentBytes ?? Number.NaN);
}
