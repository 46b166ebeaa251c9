import { HawserError } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import type { Changes, Disk, KeyRange, Row } from "./disk.js";
import { entriesAsRows, type OpenRows } from "./entries-as-rows.js";
import { SortedMap } from "./sorted-map.js";

/** A simulated disk. Its contents outlive the stores over it, and unsynced writes can be lost. */
export interface MemoryDisk {
  /** The disk as one process sees it, until the next crash; each store takes its own. */
  attach(): Disk;
  /**
   * The machine goes down. Unsynced writes are lost from a random one on, and a write under way may
   * happen or not. Stores over it answer `unavailable` or `unknown` from then on: make new ones.
   */
  crash(random: Random): void;
  /** What is durable now, on a disk of its own: what a backup or a snapshot holds. */
  snapshot(): MemoryDisk;
  /** Every write fails with this, until undefined is given: a full or broken disk. */
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
  readonly #rows = new SortedMap();
  #failure: HawserError | undefined;
  /** Of the writes since the last synced one, oldest first. */
  #unsynced: Undo[] = [];
  #underWay: RowChanges | undefined;
  #isOpen = false;
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
    this.#isOpen = false;
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

  /** A handle. It is dead when the machine goes down. */
  async #open(lifetime: number): Promise<OpenRows> {
    await Promise.resolve();
    if (lifetime !== this.#lifetime) throw crashed();
    if (this.#isOpen)
      throw new HawserError("store_unavailable", "another store uses this memory disk; stop it first");
    this.#isOpen = true;
    let isClosed = false;
    const assertOpen = (): void => {
      if (lifetime !== this.#lifetime) throw crashed();
      if (isClosed) throw new HawserError("store_unavailable", "the memory disk was closed");
    };
    /** Answers come in a later turn, as those of a real disk. */
    const turn = async (): Promise<void> => {
      assertOpen();
      await Promise.resolve();
      assertOpen();
    };
    return {
      get: (keys) => turn().then(() => keys.map((key) => this.#rows.get(key))),
      range: (range) => turn().then(() => this.#range(range)),
      write: async (changes, sync) => {
        assertOpen();
        this.#underWay = changes;
        await turn();
        this.#write(changes, sync);
      },
      close: async () => {
        if (!isClosed && lifetime === this.#lifetime) this.#isOpen = false;
        isClosed = true;
      },
    };
  }

  #range({ from, before, limit, maxLength = Number.POSITIVE_INFINITY, keysOnly }: KeyRange): readonly Row[] {
    const rows: Row[] = [];
    let length = 0;
    for (const row of this.#rows.range(from, before)) {
      if (rows.length >= limit || length >= maxLength) break;
      rows.push(keysOnly === true ? [row[0], ""] : row);
      length += row[1].length;
    }
    return rows;
  }

  #write(changes: RowChanges, sync: boolean): void {
    this.#underWay = undefined;
    if (this.#failure !== undefined) throw this.#failure;
    const undo = new Map<string, string | undefined>();
    for (const key of changes.keys()) undo.set(key, this.#rows.get(key));
    this.#apply(changes);
    if (sync) this.#unsynced = [];
    else this.#unsynced.push(undo);
  }

  #apply(changes: RowChanges): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.#rows.delete(key);
      else this.#rows.set(key, value);
    }
  }
}

/** Nothing that a retry could change. */
function crashed(): HawserError {
  return new HawserError("store_corrupt", "the simulated machine of this store went down; make a new store");
}
