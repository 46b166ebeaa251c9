/**
 * Runs tasks of one key one after another, in the order they were given, and tasks of different keys at once. A key is forgotten when its last task has ended, so whatever bounds the
 * tasks bounds this.
 */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs the task at once where none of its key is under way. One that fails holds up none behind it. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const result = before === undefined ? task() : before.then(task);
    const tail = result.then(
      () => {},
      () => {},
    );
    this.#tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }

  /** Resolves once every task that was given so far has ended, however it did. */
  async idle(): Promise<void> {
    await Promise.all(this.#tails.values());
  }
}
