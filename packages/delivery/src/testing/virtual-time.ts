import { DeadlineQueue } from "../deadline-queue.js";

/** Time that passes only when everything due has been done. */
export class VirtualTime {
  readonly #due = new DeadlineQueue<() => void>();
  #nowMs = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): void {
    this.at(this.#nowMs + delayMs, callback);
  }

  /** Answers with what calls it off. */
  at(atMs: number, callback: () => void): () => void {
    const deadline = this.#due.add(callback, atMs);
    return () => {
      if (deadline.index >= 0) this.#due.remove(deadline);
    };
  }

  /** Lets time pass up to `untilMs`, or until `done` says that there is nothing to wait for. */
  run(untilMs: number, done: () => boolean = () => false): void {
    for (let first = this.#due.first; first !== undefined && !done(); first = this.#due.first) {
      if (first.atMs > untilMs) break;
      this.#due.remove(first);
      this.#nowMs = first.atMs;
      first.key();
    }
    if (!done()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }
}
