import type { SpilledEvent } from "@hawser/delivery";
import type { MailboxEntry, MailboxLease } from "@hawser/store";
import type { ReadAhead } from "./read-ahead.js";

// Live and purged entries remembered during a read. Beyond it their page is dropped, and the next
// read is short.
const MAX_HEARD = 1_000;
/** Entries of a read behind one during which too much came. */
const SHORT_READ = 16;

/** What one read of the mailbox brought. */
export interface Page {
  readonly entries: readonly MailboxEntry[];
  /** Nothing is behind them now. */
  readonly isAll: boolean;
}

/**
 * Reads a mailbox page by page, and remembers the events that supersede or purge entries of the
 * page meanwhile.
 */
export class PageReader {
  readonly #readAhead: ReadAhead;
  // Live events spilled since the read under way began. Undefined where nothing is read.
  #heard: SpilledEvent[] | undefined;
  /** What was purged since the last read began. */
  readonly #gone = new Set<number>();
  // Too many events came or were purged to judge the last page.
  #overheard = false;

  constructor(readAhead: ReadAhead) {
    this.#readAhead = readAhead;
  }

  /** From the beginning of a read until `finish`. */
  get isReading(): boolean {
    return this.#heard !== undefined;
  }

  /** A newer state came, and stays on disk. */
  spilled(entry: SpilledEvent): void {
    if (this.#heard === undefined) return;
    if (this.#heard.length < MAX_HEARD) this.#heard.push(entry);
    else this.#overheard = true;
  }

  /** What is being read may have been read before it was purged. */
  purged(version: number): void {
    if (this.#heard === undefined) return;
    if (this.#gone.size < MAX_HEARD) this.#gone.add(version);
    else this.#overheard = true;
  }

  /** Whether an entry of the last page was purged while that was read. */
  isGone(version: number): boolean {
    return this.#gone.has(version);
  }

  /**
   * At most `wanted` entries behind `after`, of about `maxBytes`, which count as held meanwhile.
   * Call `finish` as soon as the page is there.
   */
  async read(lease: MailboxLease, after: number, wanted: number, maxBytes: number): Promise<Page> {
    const limit = this.#overheard ? Math.min(wanted, SHORT_READ) : wanted;
    this.#heard = [];
    this.#gone.clear();
    this.#overheard = false;
    this.#readAhead.changed(maxBytes);
    try {
      const entries = await lease.read(after, limit, maxBytes);
      const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
      return { entries, isAll: entries.length < limit && bytes < maxBytes };
    } finally {
      this.#readAhead.changed(-maxBytes);
    }
  }

  /** Events that came during the read; undefined where too many came to judge the page. */
  finish(): readonly SpilledEvent[] | undefined {
    const heard = this.#heard;
    this.#heard = undefined;
    return this.#overheard ? undefined : heard;
  }
}
