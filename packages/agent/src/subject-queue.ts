/**
 * Runs tasks of one subject one after another, tasks of different subjects at once.
 *
 * The inbox keeps order per resource; two lives of a resource (an old uid and a new one) are two resources to it, and take turns here. Bounded by the window, which bounds
 * the events being applied: a subject is forgotten when its last task ends.
 */
export class SubjectQueue {
  readonly #tails = new Map<string, Promise<void>>();

  async run<T>(subject: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(subject);
    const result = before === undefined ? task() : before.then(task);
    const tail = result.then(
      () => {},
      () => {},
    );
    this.#tails.set(subject, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(subject) === tail) this.#tails.delete(subject);
    }
  }
}
