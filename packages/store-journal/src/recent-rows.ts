import type { KeyRange } from "@hawser/store";

const SEPARATOR = "\u0000";
const AFTER_SEPARATOR = "\u0001";
/** Above every unit of a key. */
const LAST_UNIT = "\uffff";

interface Group {
  readonly rows: Map<string, string | undefined>;
  /** The keys in order; undefined since one was added. */
  sorted: readonly string[] | undefined;
}

/**
 * Rows that were written since the last checkpoint, with undefined for those that were removed.
 * Most are written again and again, such as the counters of mailboxes, and reach LevelDB once for
 * all of that.
 *
 * Rows are kept in groups by what their keys begin with (up to U+0000), as that is how they are
 * read: one peer's of one kind.
 */
export class RecentRows {
  readonly #groups = new Map<string, Group>();
  #bytes = 0;

  /** About how much memory it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  get empty(): boolean {
    return this.#groups.size === 0;
  }

  has(key: string): boolean {
    return this.#groups.get(groupOf(key))?.rows.has(key) ?? false;
  }

  get(key: string): string | undefined {
    return this.#groups.get(groupOf(key))?.rows.get(key);
  }

  set(key: string, value: string | undefined): void {
    const name = groupOf(key);
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { rows: new Map(), sorted: undefined };
      this.#groups.set(name, group);
    }
    const { rows } = group;
    const before = rows.get(key);
    if (before === undefined && !rows.has(key)) {
      group.sorted = undefined;
      this.#bytes += ROW_OVERHEAD + key.length;
    }
    this.#bytes += (value?.length ?? 0) - (before?.length ?? 0);
    rows.set(key, value);
  }

  /** Every row, in no order. */
  *all(): Iterable<readonly [key: string, value: string | undefined]> {
    for (const { rows } of this.#groups.values()) yield* rows;
  }

  /** Adds the rows of a range to `into`; undefined for removed ones. */
  collect({ from, before }: Pick<KeyRange, "from" | "before">, into: Map<string, string | undefined>): void {
    const name = groupOf(from);
    // Nearly always one group is asked for.
    if (before === name + AFTER_SEPARATOR) return this.#collect(this.#groups.get(name), from, before, into);
    for (const [each, group] of this.#groups) {
      const isBehind = each >= before;
      const isBefore = each + LAST_UNIT <= from;
      if (!isBehind && !isBefore) this.#collect(group, from, before, into);
    }
  }

  #collect(
    group: Group | undefined,
    from: string,
    before: string,
    into: Map<string, string | undefined>,
  ): void {
    if (group === undefined) return;
    group.sorted ??= [...group.rows.keys()].toSorted();
    const { rows, sorted } = group;
    for (let at = lowerBound(sorted, from); at < sorted.length; at++) {
      const key = sorted[at];
      if (key === undefined || key >= before) return;
      into.set(key, rows.get(key));
    }
  }
}

/** Of a row that is kept in memory, besides its text. */
const ROW_OVERHEAD = 64;

/** Keys without a separator, such as those of counters, are grouped by their first unit. */
function groupOf(key: string): string {
  const end = key.indexOf(SEPARATOR, 1);
  return end < 0 ? key.slice(0, 1) : key.slice(0, end);
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
