/** What all inboxes of one process hold when nothing else is said: four that take all they may. */
export const DEFAULT_INBOX_BYTES = 134_217_728;

/** What the rows of one peer take at most: 100,000 whose `resourceid` has a hundred characters. */
export const MAX_INBOX_BYTES = 33_554_432;

/** What a peer has room for in any case, however much the others hold. */
export const MIN_INBOX_BYTES = 65_536;

// Share of the rest that a peer may take, so that the next one has room.
const SHARE_OF_REST = 1 / 4;

/** A row without its name: an entry of a map, a number, and the head of a string. */
const ROW_BYTES = 100;
/** Most bytes a character takes in memory. */
const BYTES_PER_CHARACTER = 2;

/** What a row about this resource takes in memory. */
export function rowBytes(resourceid: string): number {
  return ROW_BYTES + resourceid.length * BYTES_PER_CHARACTER;
}

/** How many bytes the rows of all inboxes of one process take. */
export class InboxBudget {
  readonly #totalBytes: number;
  #heldBytes = 0;

  constructor(totalBytes = DEFAULT_INBOX_BYTES) {
    this.#totalBytes = totalBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether a peer whose rows take `ownBytes` may have `moreBytes` of them. */
  allows(ownBytes: number, moreBytes: number): boolean {
    const wanted = ownBytes + moreBytes;
    if (wanted <= MIN_INBOX_BYTES) return true;
    const rest = this.#totalBytes - (this.#heldBytes - ownBytes);
    return wanted <= Math.min(MAX_INBOX_BYTES, rest * SHARE_OF_REST);
  }

  /** An inbox holds so many bytes more, or fewer. */
  changed(byBytes: number): void {
    this.#heldBytes += byBytes;
  }
}
