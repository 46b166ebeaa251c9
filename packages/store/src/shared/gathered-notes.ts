import { MAX_GATHERED } from "../mailbox/acknowledgements.js";

/** Something the server is to know and nobody waits for. Running it twice is the same as once. */
export interface Note {
  readonly number: number;
  /** Runs at the server. */
  readonly tell: () => void;
}

/**
 * What a client has to tell the server lazily: acknowledgements, settled versions, mailboxes in use. It goes with whatever is asked next, or by itself, and again as long as it may not
 * have arrived; so a request never overtakes what was noted before it.
 */
export class GatheredNotes {
  readonly #onGathered: () => void;
  readonly #untold: Note[] = [];
  #onTheWay = 0;
  #number = 0;

  /** @param onGathered called for each addition */
  constructor(onGathered: () => void) {
    this.#onGathered = onGathered;
  }

  get isEmpty(): boolean {
    return this.#untold.length === 0;
  }

  /** At `MAX_GATHERED`, what comes on top is forgotten: an acknowledgement that is lost costs a resend. */
  addIfRoom(tell: () => void): void {
    if (this.#untold.length + this.#onTheWay < MAX_GATHERED) this.add(tell);
  }

  /** For what must not be forgotten: that a lease or a use has ended, and there are no more of these than there were leases and uses. */
  add(tell: () => void): void {
    this.#number += 1;
    this.#untold.push({ number: this.#number, tell });
    this.#onGathered();
  }

  /** What goes with a request. */
  take(): readonly Note[] {
    const taken = this.#untold.splice(0);
    this.#onTheWay += taken.length;
    return taken;
  }

  arrived(notes: readonly Note[]): void {
    this.#onTheWay -= notes.length;
  }

  mayBeLost(notes: readonly Note[]): void {
    this.#onTheWay -= notes.length;
    if (notes.length === 0) return;
    for (const note of notes) this.#untold.push(note);
    this.#untold.sort((a, b) => a.number - b.number);
    this.#onGathered();
  }

  clear(): void {
    this.#untold.length = 0;
  }
}
