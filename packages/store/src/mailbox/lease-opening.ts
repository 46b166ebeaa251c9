import type { MailboxEntry } from "../contract/mailbox.js";

/** More than this leave a mailbox while a lease of it is being opened only where much is purged at once. */
const MAX_GONE = 1_000;

/** What happens to a mailbox from the commit that claims it until its holder has the lease: nobody can be told of it before. */
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

  /** Of the entries that were read those that are still pending. Where too many went to remember them, the holder is to read for itself. */
  get first(): readonly MailboxEntry[] {
    if (this.#gone.size === 0) return this.#first;
    if (this.#gone.size <= MAX_GONE) return this.#first.filter(({ version }) => !this.#gone.has(version));
    this.newest = Math.max(this.newest, this.#first.at(-1)?.version ?? 0);
    return [];
  }
}
