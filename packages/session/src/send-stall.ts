/**
 * Whether a peer reads what it is sent (PROTOCOL.md, Liveness). Its heartbeats prove that it sends; a peer that
 * never reads would otherwise stay connected for ever, with a full buffer and nothing delivered.
 *
 * Only a buffer above its high-water mark counts. Any byte that leaves it is progress, however slow the line is.
 */
export class SendStall {
  readonly #limitMs: number;
  #bufferedBytes = 0;
  /** When bytes left last, or the buffer filled up; undefined while there is room. */
  #sinceMs: number | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** How long nothing may leave a full buffer. */
  get limitMs(): number {
    return this.#limitMs;
  }

  /** @param bufferedBytes what waits in a buffer that is full; undefined while it has room. To be told before and after anything is sent. */
  observe(bufferedBytes: number | undefined, nowMs: number): void {
    if (bufferedBytes === undefined) this.#sinceMs = undefined;
    else if (this.#sinceMs === undefined || bufferedBytes < this.#bufferedBytes) this.#sinceMs = nowMs;
    this.#bufferedBytes = bufferedBytes ?? 0;
  }

  isStuck(nowMs: number): boolean {
    return this.#sinceMs !== undefined && nowMs >= this.#sinceMs + this.#limitMs;
  }

  /** When `isStuck` turns true if nothing leaves; undefined while there is room. */
  nextAt(): number | undefined {
    return this.#sinceMs === undefined ? undefined : this.#sinceMs + this.#limitMs;
  }
}
