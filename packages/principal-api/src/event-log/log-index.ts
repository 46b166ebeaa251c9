/** What is remembered of an event that lies on the disk. */
export interface IndexedEvent {
  readonly position: number;
  readonly agent: string;
  readonly bytes: number;
  /** Unix milliseconds. */
  readonly recordedAt: number;
}

/** How much of something there is. */
export interface Extent {
  readonly entries: number;
  readonly bytes: number;
}

const NOTHING: Extent = { entries: 0, bytes: 0 };

class Part {
  bytes = 0;
  /** In the order of their positions, as they are only ever added at the end. */
  readonly events = new Map<number, IndexedEvent>();

  get entries(): number {
    return this.events.size;
  }

  get oldest(): IndexedEvent | undefined {
    for (const event of this.events.values()) return event;
    return undefined;
  }

  add(event: IndexedEvent): void {
    this.events.set(event.position, event);
    this.bytes += event.bytes;
  }

  delete({ position, bytes }: IndexedEvent): void {
    if (this.events.delete(position)) this.bytes -= bytes;
  }
}

/** Which events the log holds, in all and of each agent: about 200 bytes of memory each. */
export class LogIndex {
  readonly #all = new Part();
  readonly #agents = new Map<string, Part>();
  /** The last that was added. */
  #added = 0;
  /** Positions up to here were given. */
  #given = 0;
  #missingThrough = 0;

  /** The highest position that was given and is not there: it was let go. 0 for none. */
  get missingThrough(): number {
    return this.#missingThrough;
  }

  /** The highest position that was given. */
  get newest(): number {
    return Math.max(this.#given, this.#added);
  }

  get extent(): Extent {
    return this.#all;
  }

  get oldest(): IndexedEvent | undefined {
    return this.#all.oldest;
  }

  extentOf(agent: string): Extent {
    return this.#agents.get(agent) ?? NOTHING;
  }

  oldestOf(agent: string): IndexedEvent | undefined {
    return this.#agents.get(agent)?.oldest;
  }

  /** Positions of one agent above `after`, in order. */
  *positionsOf(agent: string, after: number): Iterable<number> {
    const part = this.#agents.get(agent);
    if (part === undefined) return;
    for (const position of part.events.keys()) if (position > after) yield position;
  }

  /** Positions up to this one were given, and are added from here on as far as they are there. */
  expect(position: number): void {
    this.#given = position;
  }

  /** All that is there has been added. */
  complete(): void {
    if (this.#given > this.#added) this.#missingThrough = this.#given;
  }

  /** @returns false for one that is not newer than all others: it is there already, or was let go */
  add(event: IndexedEvent): boolean {
    if (event.position <= this.#added) return false;
    if (event.position > this.#added + 1) this.#missingThrough = event.position - 1;
    this.#added = event.position;
    this.#all.add(event);
    const part = this.#agents.get(event.agent) ?? new Part();
    this.#agents.set(event.agent, part);
    part.add(event);
    return true;
  }

  delete(event: IndexedEvent): void {
    this.#missingThrough = Math.max(this.#missingThrough, event.position);
    this.#all.delete(event);
    const part = this.#agents.get(event.agent);
    part?.delete(event);
    if (part?.entries === 0) this.#agents.delete(event.agent);
  }
}
