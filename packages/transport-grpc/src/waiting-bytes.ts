/** Of what was read of all strangers and waits for HTTP/2. A client that behaves has some hundred bytes of it. */
export const MAX_WAITING_BYTES = 33_554_432;

/** What one client has of it. */
export interface HeldBytes {
  /** So many wait now. Counted is the most since there were none: a slice keeps all that was read with it. */
  are(bytes: number): void;
}

interface Holder extends HeldBytes {
  readonly giveUp: () => void;
  bytes: number;
}

/**
 * The bytes that wait of all clients together. Beyond the most of them whoever holds the most goes, the newest of those who hold as much: never a client with one request of some
 * hundred bytes.
 */
export class WaitingBytes {
  readonly #max: number;
  /** Those who hold some, in the order in which they began to. */
  readonly #holders = new Set<Holder>();
  #sum = 0;

  constructor(max: number = MAX_WAITING_BYTES) {
    this.#max = max;
  }

  get sum(): number {
    return this.#sum;
  }

  /** @param giveUp this one is to go, with what it holds. Must not throw */
  of(giveUp: () => void): HeldBytes {
    const holder: Holder = { giveUp, bytes: 0, are: (bytes) => this.#count(holder, bytes) };
    return holder;
  }

  #count(holder: Holder, bytes: number): void {
    if (bytes === 0) return this.#release(holder);
    if (bytes <= holder.bytes) return;
    this.#sum += bytes - holder.bytes;
    holder.bytes = bytes;
    this.#holders.add(holder);
    while (this.#sum > this.#max) this.#cutLargest();
  }

  #release(holder: Holder): void {
    this.#sum -= holder.bytes;
    holder.bytes = 0;
    this.#holders.delete(holder);
  }

  #cutLargest(): void {
    let largest: Holder | undefined;
    for (const holder of this.#holders)
      if (largest === undefined || holder.bytes >= largest.bytes) largest = holder;
    if (largest === undefined) return;
    this.#release(largest);
    largest.giveUp();
  }
}
