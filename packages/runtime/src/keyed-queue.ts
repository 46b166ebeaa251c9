/**
 * Runs tasks of one key in order, and tasks of different keys concurrently. It forgets a key after
 * its last task, so the bound of the tasks bounds the queue.
 */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs the task at once if its key is idle. A failed task does not block the next one. */
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

  /** Resolves once every task given so far has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#tails.values());
  }
}
