import { HawserError } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import type { Changes, Disk, KeyRange, Row } from "./disk.js";
import { entriesAsRows, type OpenRows } from "./entries-as-rows.js";
import { SortedMap } from "./sorted-map.js";

/** A simulated disk: contents that outlive the stores over them, and that can lose what was not synced. */
export interface MemoryDisk {
  /** The disk as one process sees it, until the next crash; each store takes its own. */
  attach(): Disk;
  /**
   * The machine goes down. Writes that were not synced are lost from some random point on, one that is under way happens or not, and what was attached
   * is dead for good: stores over it answer `unavailable` or `unknown`. Make a new store over this disk.
   */
  crash(random: Random): void;
  /** What is durable now, on a disk of its own: what a backup or a snapshot holds. */
  snapshot(): MemoryDisk;
  /** Every write fails with this, until it is undefined again; for tests of full and broken disks. */
  failWrites(failure: HawserError | undefined): void;
}

/** A disk that lives as long as the process does. */
export function createMemoryDisk(): MemoryDisk {
  return new SimulatedDisk();
}

type RowChanges = Changes["rows"];

/** What a write replaced. */
type Undo = ReadonlyMap<string, string | undefined>;

class SimulatedDisk implements MemoryDisk {
  #rows = new SortedMap();
  #failure: HawserError | undefined;
  /** Of the writes since the last synced one, oldest first. */
  #unsynced: Undo[] = [];
  #underWay: RowChanges | undefined;
  #handle: Handle | undefined;
  #lifetime = 0;

  attach(): Disk {
    const lifetime = this.#lifetime;
    return entriesAsRows({
      open: () => this.#open(lifetime),
      hasRoom: async () => this.#failure?.code !== "store_full",
      explain: (thrown) => {
        const { code, message } = HawserError.from(thrown, "store_unavailable");
        return {
          code: code === "store_full" || code === "store_corrupt" ? code : "store_unavailable",
          message,
        };
      },
    });
  }

  crash(random: Random): void {
    const underWay = this.#underWay;
    const steps = this.#unsynced.length + (underWay === undefined ? 0 : 1);
    const kept = Math.floor(random.next() * (steps + 1));
    for (const undo of this.#unsynced.splice(kept).reverse()) this.#apply(undo);
    if (underWay !== undefined && kept === steps) this.#apply(underWay);
    this.#unsynced = [];
    this.#underWay = undefined;
    this.#lifetime++;
    this.#handle?.kill();
    this.#handle = undefined;
  }

  snapshot(): MemoryDisk {
    const copy = new SimulatedDisk();
    for (const [key, value] of this.#rows.range("", "\uffff")) copy.#rows.set(key, value);
    for (const undo of this.#unsynced.toReversed()) copy.#apply(undo);
    return copy;
  }

  failWrites(failure: HawserError | undefined): void {
    this.#failure = failure;
  }

  get(keys: readonly string[]): readonly (string | undefined)[] {
    return keys.map((key) => this.#rows.get(key));
  }

  range({ from, before, limit, maxLength, keysOnly }: KeyRange): readonly Row[] {
    const rows: Row[] = [];
    let length = 0;
    for (const row of this.#rows.range(from, before)) {
      if (rows.length >= limit || length >= (maxLength ?? Number.POSITIVE_INFINITY)) break;
      rows.push(keysOnly === true ? [row[0], ""] : row);
      length += row[1].length;
    }
    return rows;
  }

  begin(changes: RowChanges): void {
    this.#underWay = changes;
  }

  finish(changes: RowChanges, sync: boolean): void {
    this.#underWay = undefined;
    if (this.#failure !== undefined) throw this.#failure;
    const undo = new Map<string, string | undefined>();
    for (const key of changes.keys()) undo.set(key, this.#rows.get(key));
    this.#apply(changes);
    if (sync) this.#unsynced = [];
    else this.#unsynced.push(undo);
  }

  release(handle: Handle): void {
    if (this.#handle === handle) this.#handle = undefined;
  }

  async #open(lifetime: number): Promise<OpenRows> {
    await Promise.resolve();
    if (lifetime !== this.#lifetime) throw crashed();
    if (this.#handle !== undefined) {
      throw new HawserError("store_unavailable", "another store uses this memory disk; stop it first");
    }
    this.#handle = new Handle(this);
    return this.#handle;
  }

  #apply(changes: RowChanges): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.#rows.delete(key);
      else this.#rows.set(key, value);
    }
  }
}

class Handle implements OpenRows {
  readonly #disk: SimulatedDisk;
  #state: "open" | "closed" | "crashed" = "open";

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;
  }

  async get(keys: readonly string[]): Promise<readonly (string | undefined)[]> {
    await this.#turn();
    return this.#disk.get(keys);
  }

  async range(range: KeyRange): Promise<readonly Row[]> {
    await this.#turn();
    return this.#disk.range(range);
  }

  async write(changes: RowChanges, sync: boolean): Promise<void> {
    this.#assertOpen();
    this.#disk.begin(changes);
    await this.#turn();
    this.#disk.finish(changes, sync);
  }

  async close(): Promise<void> {
    if (this.#state === "open") this.#state = "closed";
    this.#disk.release(this);
  }

  kill(): void {
    this.#state = "crashed";
  }

  /** Answers come in a later turn, as those of a real disk. */
  async #turn(): Promise<void> {
    this.#assertOpen();
    await Promise.resolve();
    this.#assertOpen();
  }

  #assertOpen(): void {
    switch (this.#state) {
      case "open":
        return;
      case "crashed":
        throw crashed();
      case "closed":
        throw new HawserError("store_unavailable", "the memory disk was closed");
    }
  }
}

/** Nothing a retry could change. */
function crashed(): HawserError {
  return new HawserError("store_corrupt", "the simulated machine of this store went down; make a new store");
}
