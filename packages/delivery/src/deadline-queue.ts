import { invariant } from "./invariant.js";

/** A key and the time it is due; what takes it out of its queue again. */
export class Deadline<K> {
  readonly key: K;
  /** Monotonic milliseconds. */
  readonly atMs: number;
  /** The queue's own business: where the heap keeps it, -1 once it is out. */
  index: number;

  constructor(key: K, atMs: number, index: number) {
    this.key = key;
    this.atMs = atMs;
    this.index = index;
  }
}

/**
 * Deadlines, earliest first: a binary heap whose entries know their index. `add` and `remove` are
 * O(log size), `first` O(1).
 */
export class DeadlineQueue<K> {
  readonly #heap: Deadline<K>[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest one. It stays until it is removed. */
  get first(): Deadline<K> | undefined {
    return this.#heap[0];
  }

  /** One of the latest: none comes after it in its branch of the heap. */
  get late(): Deadline<K> | undefined {
    return this.#heap.at(-1);
  }

  add(key: K, atMs: number): Deadline<K> {
    const deadline = new Deadline(key, atMs, this.#heap.length);
    this.#heap.push(deadline);
    this.#rise(deadline);
    return deadline;
  }

  remove(deadline: Deadline<K>): void {
    const { index } = deadline;
    invariant(this.#heap[index] === deadline, "a deadline was removed from a queue it is not in");
    const last = this.#heap.pop();
    deadline.index = -1;
    if (last === undefined || last === deadline) return;
    // The last leaf fills the gap; it may belong above it (another branch) or below it.
    this.#put(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #put(deadline: Deadline<K>, index: number): void {
    this.#heap[index] = deadline;
    deadline.index = index;
  }

  #rise(deadline: Deadline<K>): void {
    let { index } = deadline;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#heap[parentIndex];
      if (parent === undefined || parent.atMs <= deadline.atMs) break;
      this.#put(parent, index);
      index = parentIndex;
    }
    this.#put(deadline, index);
  }

  #sink(deadline: Deadline<K>): void {
    let { index } = deadline;
    for (;;) {
      const left = this.#heap[2 * index + 1];
      const right = this.#heap[2 * index + 2];
      const child = left !== undefined && right !== undefined && right.atMs < left.atMs ? right : left;
      if (child === undefined || deadline.atMs <= child.atMs) break;
      const childIndex = child.index;
      this.#put(child, index);
      index = childIndex;
    }
    this.#put(deadline, index);
  }
}
