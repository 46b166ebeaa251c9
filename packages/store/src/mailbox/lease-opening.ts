import type { MailboxEntry } from "../contract/mailbox.js";

/** More entries than this are removed during an opening only by a large purge. */
const MAX_GONE = 1_000;

/** Changes of a mailbox after the commit that claims it, until its holder has the lease. */
export class LeaseOpening {
  /** The highest version that was committed; 0 for none. */
  newest = 0;
  #first: readonly MailboxEntry[] = [];
  readonly #gone = new Set<number>();

  /** @param entries that were read meanwhile */
  read(entries: readonly MailboxEntry[]): void {
    this.#first = entries;
  }

  removed(version: number): void {
    if (this.#gone.size <= MAX_GONE) this.#gone.add(version);
  }

  /** The entries still pending. After too many removals the holder has to read for itself. */
  get first(): readonly MailboxEntry[] {
    if (this.#gone.size === 0) return this.#first;
    if (this.#gone.size <= MAX_GONE) return this.#first.filter(({ version }) => !this.#gone.has(version));
    this.newest = Math.max(this.newest, this.#first.at(-1)?.version ?? 0);
    return [];
  }
}
