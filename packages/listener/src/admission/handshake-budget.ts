/** From this share of the budget on, handshakes get less time. */
const RELAXED_SHARE = 0.5;
/** The time they have when the budget is full, or a tenth if that is more. In milliseconds. */
const LEAST_TIMEOUT_MS = 1_000;
const LEAST_TIMEOUT_SHARE = 0.1;

/** The clients of one source, each set in order of arrival. */
interface Share<Client> {
  readonly stalled: Set<Client>;
  readonly fresh: Set<Client>;
  /** Have shown a good credential. */
  readonly known: Set<Client>;
}

/**
 * Counts the sockets and streams that are no session yet, for the whole process and by source. Pure:
 * it names the clients to cut, and its owner cuts them.
 *
 * At the bound, the source with the most clients without a credential loses one: the longest
 * stalled, or else its newest. Clients with a credential are cut only when no others are left.
 */
export class HandshakeBudget<Client extends object> {
  #max: number;
  readonly #shares = new Map<string, Share<Client>>();
  readonly #sources = new Map<Client, string>();

  /** @param max clients at once */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#sources.size;
  }

  setMax(max: number): void {
    this.#max = max;
  }

  add(client: Client, source: string): void {
    this.#sources.set(client, source);
    this.#shareOf(source).fresh.add(client);
  }

  /** The handshake takes much longer than others do. */
  stalled(client: Client): void {
    const share = this.#of(client);
    if (share?.fresh.delete(client) === true) share.stalled.add(client);
  }

  /** The client has shown a good credential. */
  known(client: Client): void {
    const share = this.#of(client);
    if (share === undefined) return;
    share.fresh.delete(client);
    share.stalled.delete(client);
    share.known.add(client);
  }

  isKnown(client: Client): boolean {
    return this.#of(client)?.known.has(client) === true;
  }

  delete(client: Client): void {
    const source = this.#sources.get(client);
    const share = this.#of(client);
    if (source === undefined || share === undefined) return;
    this.#sources.delete(client);
    for (const set of [share.stalled, share.fresh, share.known]) set.delete(client);
    if (share.stalled.size + share.fresh.size + share.known.size === 0) this.#shares.delete(source);
  }

  /** The next client to cut, while there are too many; it no longer counts. */
  takeExcess(): Client | undefined {
    if (this.#sources.size <= this.#max) return undefined;
    const client = this.#ofBusiest();
    if (client !== undefined) this.delete(client);
    return client;
  }

  /** Time for a handshake: `fullMs` up to half of the budget, then less the fuller the budget is. */
  timeoutMs(fullMs: number): number {
    const share = this.#sources.size / this.#max;
    if (share <= RELAXED_SHARE) return fullMs;
    const least = Math.min(fullMs, Math.max(LEAST_TIMEOUT_MS, fullMs * LEAST_TIMEOUT_SHARE));
    const left = Math.max(0, (1 - share) / (1 - RELAXED_SHARE));
    return Math.round(least + (fullMs - least) * left);
  }

  #ofBusiest(): Client | undefined {
    const busiest = this.#most(({ stalled, fresh }) => stalled.size + fresh.size);
    if (busiest === undefined) return newest(this.#most(({ known }) => known.size)?.known);
    for (const client of busiest.stalled) return client;
    return newest(busiest.fresh);
  }

  /** Undefined where no source has any. */
  #most(count: (share: Share<Client>) => number): Share<Client> | undefined {
    let most: Share<Client> | undefined;
    let clients = 0;
    for (const share of this.#shares.values()) {
      if (count(share) <= clients) continue;
      most = share;
      clients = count(share);
    }
    return most;
  }

  #of(client: Client): Share<Client> | undefined {
    const source = this.#sources.get(client);
    return source === undefined ? undefined : this.#shares.get(source);
  }

  #shareOf(source: string): Share<Client> {
    const known = this.#shares.get(source);
    if (known !== undefined) return known;
    const share: Share<Client> = { stalled: new Set(), fresh: new Set(), known: new Set() };
    this.#shares.set(source, share);
    return share;
  }
}

function newest<Client>(clients: ReadonlySet<Client> | undefined): Client | undefined {
  let last: Client | undefined;
  for (const client of clients ?? []) last = client;
  return last;
}
