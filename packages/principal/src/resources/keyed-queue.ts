/**
 * Runs tasks of the same key one after another, tasks of different keys at once.
 *
 * Read, decide, append is not atomic in the store; two writers of one resource in this process take turns here, writers in other processes are
 * told apart by the expected version.
 */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(task, task);
    const tail = result
      .catch(() => undefined)
      .finally(() => {
        if (this.#tails.get(key) === tail) this.#tails.delete(key);
      });
    this.#tails.set(key, tail);
    return result;
  }
}
