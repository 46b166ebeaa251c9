/** Keys per leaf: an insertion moves at most this many, and a leaf of this size splits in two. */
const MAX_LEAF = 512;

interface Leaf {
  keys: string[];
  values: string[];
}

/** An ordered map of strings: sorted leaves in a sorted list. A change moves one leaf at most. */
export class SortedMap {
  readonly #leaves: Leaf[] = [{ keys: [], values: [] }];

  get(key: string): string | undefined {
    const leaf = this.#leafOf(key).leaf;
    const at = lowerBound(leaf.keys, key);
    return leaf.keys[at] === key ? leaf.values[at] : undefined;
  }

  set(key: string, value: string): void {
    const { leaf, index } = this.#leafOf(key);
    const at = lowerBound(leaf.keys, key);
    if (leaf.keys[at] === key) {
      leaf.values[at] = value;
      return;
    }
    leaf.keys.splice(at, 0, key);
    leaf.values.splice(at, 0, value);
    if (leaf.keys.length > MAX_LEAF) this.#split(leaf, index);
  }

  delete(key: string): void {
    const { leaf, index } = this.#leafOf(key);
    const at = lowerBound(leaf.keys, key);
    if (leaf.keys[at] !== key) return;
    leaf.keys.splice(at, 1);
    leaf.values.splice(at, 1);
    if (leaf.keys.length === 0 && this.#leaves.length > 1) this.#leaves.splice(index, 1);
  }

  /** Entries with `from <= key < before`, in order. The map must not change while this is read. */
  *range(from: string, before: string): Generator<readonly [string, string]> {
    let { index } = this.#leafOf(from);
    let at = lowerBound(this.#leaves[index]?.keys ?? [], from);
    for (; ; index++, at = 0) {
      const leaf = this.#leaves[index];
      if (leaf === undefined) return;
      for (; at < leaf.keys.length; at++) {
        const key = leaf.keys[at] ?? "";
        if (key >= before) return;
        yield [key, leaf.values[at] ?? ""];
      }
    }
  }

  /** The last leaf whose first key is not above `key`. */
  #leafOf(key: string): { leaf: Leaf; index: number } {
    let low = 0;
    let high = this.#leaves.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const first = this.#leaves[middle]?.keys[0];
      if (first !== undefined && first <= key) low = middle;
      else high = middle - 1;
    }
    return { leaf: this.#leaves[low] ?? { keys: [], values: [] }, index: low };
  }

  #split(leaf: Leaf, index: number): void {
    const half = leaf.keys.length >>> 1;
    const right = { keys: leaf.keys.splice(half), values: leaf.values.splice(half) };
    this.#leaves.splice(index + 1, 0, right);
  }
}

/** Index of the first key not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
