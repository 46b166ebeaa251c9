/**
 * Bytes read from all untrusted clients that wait for HTTP/2. An honest client has a few hundred.
 */
export const MAX_WAITING_BYTES = 33_554_432;

/** The waiting bytes of one client. */
export interface HeldBytes {
  /**
   * Sets how many wait now. The peak since zero counts: a slice keeps all that was read with it.
   */
  are(bytes: number): void;
}

interface Holder extends HeldBytes {
  readonly giveUp: () => void;
  bytes: number;
}

/**
 * Bounds the waiting bytes of all clients. Beyond `max` the client with the most is cut, the newest
 * among equals: never a client with one request of a few hundred bytes.
 */
export class WaitingBytes {
  readonly #max: number;
  /** Clients with waiting bytes, in the order in which they began to have some. */
  readonly #holders = new Set<Holder>();
  #sum = 0;

  constructor(max: number = MAX_WAITING_BYTES) {
    this.#max = max;
  }

  get sum(): number {
    return this.#sum;
  }

  /** @param giveUp cuts this client, with its bytes. Must not throw */
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
