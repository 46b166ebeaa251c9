/**
 * A value with followers. Each follower gets the current value and then every change; a slow one
 * skips to the newest value, so nothing is queued for it.
 */
export class Latest<T> {
  #value: T;
  #version = 0;
  /** Followers that are up to date. */
  #waiting = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    this.#version += 1;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Ends when the signal is aborted, or after a change to a last value. */
  async *follow(
    signal?: AbortSignal,
    isLast: (value: T) => boolean = () => false,
  ): AsyncGenerator<T, void, undefined> {
    let seen = -1;
    while (signal?.aborted !== true) {
      if (seen === this.#version) {
        await this.#changed(signal);
        continue;
      }
      const isChange = seen >= 0;
      seen = this.#version;
      const value = this.#value;
      yield value;
      if (isChange && isLast(value)) return;
    }
  }

  #changed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
}
