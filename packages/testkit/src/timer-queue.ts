/** One timer that has been set. `callback` is gone once it fired or was cancelled. */
export interface QueuedTimer {
  readonly at: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

/** Cancelled timers stay in the heap until they come up; beyond this many, and more than are live, it is rebuilt. */
const MAX_CANCELLED = 1024;

/** Timers by due time, then by the order they were set in: the total order that makes a run repeatable. */
export class TimerQueue {
  #heap: QueuedTimer[] = [];
  #nextOrder = 0;
  #live = 0;

  /** Timers that have been set and neither fired nor been cancelled. */
  get size(): number {
    return this.#live;
  }

  add(at: number, callback: () => void): QueuedTimer {
    const timer: QueuedTimer = { at, order: this.#nextOrder, callback };
    this.#nextOrder += 1;
    this.#live += 1;
    this.#heap.push(timer);
    this.#siftUp(this.#heap.length - 1);
    return timer;
  }

  cancel(timer: QueuedTimer): void {
    if (timer.callback === undefined) return;
    timer.callback = undefined;
    this.#live -= 1;
    const cancelled = this.#heap.length - this.#live;
    if (cancelled > MAX_CANCELLED && cancelled > this.#live) this.#rebuild();
  }

  /** When the next timer is due, or undefined when none is set. */
  nextAt(): number | undefined {
    let top = this.#heap[0];
    while (top !== undefined && top.callback === undefined) {
      this.#removeTop();
      top = this.#heap[0];
    }
    return top?.at;
  }

  /** Takes the next timer's callback out, or answers undefined when none is set. */
  take(): (() => void) | undefined {
    if (this.nextAt() === undefined) return undefined;
    const timer = this.#heap[0];
    const callback = timer?.callback;
    if (timer === undefined || callback === undefined) return undefined;
    timer.callback = undefined;
    this.#live -= 1;
    this.#removeTop();
    return callback;
  }

  #rebuild(): void {
    // A sorted array is a heap.
    this.#heap = this.#heap
      .filter((timer) => timer.callback !== undefined)
      .sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #removeTop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#siftDown();
  }

  #siftUp(from: number): void {
    const heap = this.#heap;
    const timer = heap[from];
    if (timer === undefined) return;
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !isBefore(timer, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = timer;
  }

  #siftDown(): void {
    const heap = this.#heap;
    const timer = heap[0];
    if (timer === undefined) return;
    let index = 0;
    for (;;) {
      const leftIndex = 2 * index + 1;
      const left = heap[leftIndex];
      if (left === undefined) break;
      const right = heap[leftIndex + 1];
      const rightFirst = right !== undefined && isBefore(right, left);
      const child = rightFirst ? right : left;
      if (!isBefore(child, timer)) break;
      heap[index] = child;
      index = rightFirst ? leftIndex + 1 : leftIndex;
    }
    heap[index] = timer;
  }
}

function isBefore(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}
