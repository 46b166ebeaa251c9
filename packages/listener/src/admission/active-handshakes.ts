/** Weight of a new measurement of how long handshakes take. */
const SMOOTHING = 0.1;
/** A handshake that takes this many times as long as others has stalled. */
const STALLED_TIMES = 4;
/** No handshake stalls before: two round trips of a slow link, and a busy principal. In milliseconds. */
const MIN_STALLED_MS = 1_000;

/** Clients by when they began, earliest first. */
type Begun<Client> = Map<Client, number>;

/**
 * The clients that have left the line, by stage. A handshake that has stalled waits for its client
 * and costs nothing, so another client gets its place. When it has stalled is measured against
 * other handshakes: on a principal that is slow itself every handshake takes long, and none stalls.
 */
export class ActiveHandshakes<Client extends object> {
  readonly running: Begun<Client> = new Map();
  readonly stalled: Begun<Client> = new Map();
  /** Complete, and waiting to open. */
  readonly ready: Begun<Client> = new Map();
  /** Opening, until `delete`. */
  readonly opening: Begun<Client> = new Map();
  /** Not admitted: their handshake only delivers the refusal. */
  readonly refusing: Begun<Client> = new Map();
  #typicalMs = 0;

  get size(): number {
    return this.running.size + this.stalled.size + this.ready.size + this.opening.size;
  }

  // A ready client costs nothing, and clients open as fast as handshakes begin, so there are never
  // many more ready ones than `maxHandshakes`.
  get takenPlaces(): number {
    return this.running.size + this.opening.size;
  }

  /** The handshake is complete. False for a client that has none under way. */
  complete(client: Client, nowMs: number): boolean {
    const begunAtMs = this.running.get(client) ?? this.stalled.get(client);
    if (begunAtMs === undefined) return false;
    this.#typicalMs += SMOOTHING * (nowMs - begunAtMs - this.#typicalMs);
    this.running.delete(client);
    this.stalled.delete(client);
    this.ready.set(client, begunAtMs);
    return true;
  }

  takeExpired(timeoutMs: number, nowMs: number): Client | undefined {
    for (const stage of this.#stages())
      for (const [client, begunAtMs] of stage) {
        if (begunAtMs + timeoutMs > nowMs) break;
        stage.delete(client);
        return client;
      }
    return undefined;
  }

  takeStalled(nowMs: number): Client | undefined {
    for (const [client, begunAtMs] of this.running) {
      if (begunAtMs + this.#stalledAfterMs > nowMs) return undefined;
      this.running.delete(client);
      this.stalled.set(client, begunAtMs);
      return client;
    }
    return undefined;
  }

  takeReady(): Client | undefined {
    for (const [client, begunAtMs] of this.ready) {
      this.ready.delete(client);
      this.opening.set(client, begunAtMs);
      return client;
    }
    return undefined;
  }

  /** When `takeExpired` or `takeStalled` will next answer; infinite when never. */
  nextDeadline(timeoutMs: number): number {
    const firsts = this.#stages().map((stage) => firstOf(stage) + timeoutMs);
    return Math.min(...firsts, firstOf(this.running) + this.#stalledAfterMs);
  }

  delete(client: Client): void {
    for (const stage of this.#stages()) stage.delete(client);
  }

  get #stalledAfterMs(): number {
    return Math.max(MIN_STALLED_MS, STALLED_TIMES * this.#typicalMs);
  }

  #stages(): readonly Begun<Client>[] {
    return [this.stalled, this.running, this.ready, this.opening, this.refusing];
  }
}

function firstOf(stage: Begun<object>): number {
  const [first = Number.POSITIVE_INFINITY] = stage.values();
  return first;
}
