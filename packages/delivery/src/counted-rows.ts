import { rowBytes } from "./inbox-budget.js";

/** Rows by resource, in the order of their writing, and what they take in memory. */
export class CountedRows<V> {
  readonly #rows = new Map<string, V>();
  readonly #changed: (byBytes: number) => void;

  /** @param changed the rows take so many bytes more, or fewer */
  constructor(rows: Iterable<readonly [string, V]>, changed: (byBytes: number) => void) {
    this.#changed = changed;
    for (const [resourceid, row] of rows) this.put(resourceid, row);
  }

  get size(): number {
    return this.#rows.size;
  }

  get(resourceid: string): V | undefined {
    return this.#rows.get(resourceid);
  }

  has(resourceid: string): boolean {
    return this.#rows.has(resourceid);
  }

  /** The row becomes the last one. */
  put(resourceid: string, row: V): void {
    if (!this.#rows.delete(resourceid)) this.#changed(rowBytes(resourceid));
    this.#rows.set(resourceid, row);
  }

  delete(resourceid: string): void {
    if (this.#rows.delete(resourceid)) this.#changed(-rowBytes(resourceid));
  }

  /** Deletes this one if `past` holds of it. */
  forget(resourceid: string, past: (row: V) => boolean): void {
    const row = this.#rows.get(resourceid);
    if (row !== undefined && past(row)) this.delete(resourceid);
  }

  clear(): void {
    for (const resourceid of this.#rows.keys()) this.delete(resourceid);
  }

  /** Deletes from the front while `past` holds; later floors delete the rest. */
  forgetFront(past: (row: V) => boolean): void {
    for (const [resourceid, row] of this.#rows) {
      if (!past(row)) return;
      this.delete(resourceid);
    }
  }
}
