/** The clients of one source with the time each began to wait, first come first. */
interface Queue<Client> {
  readonly clients: Map<Client, number>;
  /** How many of them found the line full. */
  beyond: number;
}

interface Waiting<Client> {
  readonly client: Client;
  readonly source: string;
  readonly sinceMs: number;
}

/**
 * The clients that wait for a place. Sources alternate, so that a source with a thousand clients does
 * not delay the only one of another source; within a source it is first come, first served.
 */
export class FairLine<Client extends object> {
  /** In the order of their turns. */
  readonly #queues = new Map<string, Queue<Client>>();
  /** All clients, first come first. */
  readonly #sources = new Map<Client, string>();
  readonly #beyond = new Set<Client>();

  /** All clients that wait, those beyond the line included. */
  get size(): number {
    return this.#sources.size;
  }

  /** The clients that found the line full, in the order in which they would get a place. */
  get beyond(): ReadonlySet<Client> {
    return this.#beyond;
  }

  /**
   * @param maxPlaces in the line. Where all are taken, the newest of the busiest source is beyond
   *   it: the new client itself, unless its source has fewer than another
   */
  add(client: Client, source: string, nowMs: number, maxPlaces: number): void {
    const full = this.#sources.size - this.#beyond.size >= maxPlaces;
    this.#sources.set(client, source);
    const queue = this.#queues.get(source) ?? { clients: new Map<Client, number>(), beyond: 0 };
    this.#queues.set(source, queue);
    queue.clients.set(client, nowMs);
    if (!full) return;
    const busiest = this.#busiest(queue);
    const last = busiest === queue ? client : this.#newestOf(busiest);
    this.#beyond.add(last ?? client);
    busiest.beyond += 1;
  }

  /**
   * The next client of the sources that are ready; or when the first source will be.
   */
  next(
    readyAtMs: (source: string) => number,
    nowMs: number,
  ): { readonly client: Client; readonly source: string } | { readonly atMs: number } {
    let atMs = Number.POSITIVE_INFINITY;
    for (const [source, { clients }] of this.#queues) {
      const readyAt = readyAtMs(source);
      if (readyAt > nowMs) atMs = Math.min(atMs, readyAt);
      else for (const client of clients.keys()) return { client, source };
    }
    return { atMs };
  }

  sourceOf(client: Client): string | undefined {
    return this.#sources.get(client);
  }

  /** The client gets its place: other sources come before the next client of this one. */
  served(client: Client): void {
    const source = this.#sources.get(client);
    this.delete(client);
    const queue = source === undefined ? undefined : this.#queues.get(source);
    if (source === undefined || queue === undefined) return;
    this.#queues.delete(source);
    this.#queues.set(source, queue);
  }

  /** Removes a client. Its place in the line goes to the first client beyond it. */
  delete(client: Client): void {
    const source = this.#sources.get(client);
    if (source === undefined) return;
    this.#sources.delete(client);
    const queue = this.#queues.get(source);
    queue?.clients.delete(client);
    if (queue?.clients.size === 0) this.#queues.delete(source);
    if (this.#beyond.has(client)) return this.#notBeyond(client, queue);
    for (const next of this.#beyond) {
      const of = this.#sources.get(next);
      return this.#notBeyond(next, of === undefined ? undefined : this.#queues.get(of));
    }
  }

  oldest(): Waiting<Client> | undefined {
    for (const [client, source] of this.#sources) {
      const sinceMs = this.#queues.get(source)?.clients.get(client);
      return sinceMs === undefined ? undefined : { client, source, sinceMs };
    }
    return undefined;
  }

  /** The client whose wait ends first, and when; looks at each source. */
  firstDue(
    maxWaitMs: (source: string) => number,
  ): { readonly client: Client; readonly source: string; readonly atMs: number } | undefined {
    let first: { client: Client; source: string; atMs: number } | undefined;
    for (const [source, { clients }] of this.#queues)
      for (const [client, sinceMs] of clients) {
        const atMs = sinceMs + maxWaitMs(source);
        if (first === undefined || atMs < first.atMs) first = { client, source, atMs };
        break;
      }
    return first;
  }

  #notBeyond(client: Client, queue: Queue<Client> | undefined): void {
    this.#beyond.delete(client);
    if (queue !== undefined) queue.beyond -= 1;
  }

  #busiest(most: Queue<Client>): Queue<Client> {
    let busiest = most;
    for (const queue of this.#queues.values())
      if (queue.clients.size - queue.beyond > busiest.clients.size - busiest.beyond) busiest = queue;
    return busiest;
  }

  #newestOf({ clients }: Queue<Client>): Client | undefined {
    let last: Client | undefined;
    for (const client of clients.keys()) if (!this.#beyond.has(client)) last = client;
    return last;
  }
}
