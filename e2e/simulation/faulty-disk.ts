import { HawserError } from "@hawser/protocol";
import type { Random, Timers } from "@hawser/runtime";
import { createMemoryDisk, type Disk, type MemoryDisk, type OpenDisk } from "@hawser/store";
import { chance } from "./plan.js";

/** SIGKILL: what was written stays, synced or not. */
const KEEPS_ALL: Random = { next: () => 1 - Number.EPSILON, uuid: () => "" };

export interface FaultyDiskParts {
  readonly random: Random;
  /** A synced write takes up to this long, and some reads do, in milliseconds of virtual time. */
  readonly maxWriteMs: number;
  /** A synced write has reached the disk. */
  readonly synced: () => void;
}

/**
 * The memory disk with the manners of a real one: reads and writes take time, so that a crash may come before a write, or after it and before anybody was told; and for a while
 * it may fail them, before or after they took effect.
 */
export class FaultyDisk {
  readonly #parts: FaultyDiskParts;
  readonly #disk: MemoryDisk = createMemoryDisk();
  #failure: HawserError | undefined;
  /** A write that failed and is on the disk all the same. As of any disk, its handle shows nothing of it; who opens the disk next finds it. */
  #landed: (() => Promise<void>) | undefined;
  /** Reads of checkers under way: they take no time, so that what they see is how things are now. */
  #prompt = 0;

  constructor(parts: FaultyDiskParts) {
    this.#parts = parts;
  }

  /** As one process sees it. */
  attach(timers: Timers): Disk {
    const disk = this.#disk.attach();
    const { random } = this.#parts;
    return {
      open: async () => {
        if (this.#failure !== undefined && chance(random, 0.5)) throw this.#failure;
        return this.#slow(await disk.open(), timers);
      },
      hasRoom: async () => this.#failure?.code !== "store_full" || chance(random, 0.3),
      explain: (thrown) => disk.explain(thrown),
    };
  }

  /** Runs a checker's read without the latency of the disk. */
  async promptly<T>(read: () => Promise<T>): Promise<T> {
    this.#prompt += 1;
    try {
      return await read();
    } finally {
      this.#prompt -= 1;
    }
  }

  /** What is durable now. */
  snapshot(): MemoryDisk {
    return this.#disk.snapshot();
  }

  /** `process`: SIGKILL. `machine`: what was not synced may be lost. */
  crash(what: "process" | "machine"): void {
    // Under way when the crash comes, so that it is there afterwards where anything is that came before.
    this.#land().catch(() => {});
    this.#disk.crash(what === "process" ? KEEPS_ALL : this.#parts.random);
  }

  async #land(): Promise<void> {
    const land = this.#landed;
    this.#landed = undefined;
    await land?.();
  }

  beginFailing(code: "store_full" | "store_unavailable"): void {
    this.#failure = new HawserError(code, "the simulated disk fails");
  }

  heal(): void {
    this.#failure = undefined;
  }

  #slow(inner: OpenDisk, timers: Timers): OpenDisk {
    const { random, maxWriteMs, synced } = this.#parts;
    const pause = (): Promise<void> | undefined =>
      maxWriteMs === 0
        ? undefined
        : new Promise((resolve) => timers.after((random.next() * maxWriteMs) / 2, resolve));
    return {
      get: (keys) => inner.get(keys),
      range: async (range) => {
        const isSlow = this.#prompt === 0 && chance(random, 0.5);
        if (isSlow) await pause();
        const rows = await inner.range(range);
        if (isSlow) await pause();
        return rows;
      },
      getEntries: (wanted) => inner.getEntries(wanted),
      hasEntries: (wanted) => inner.hasEntries(wanted),
      rangeEntries: async (range) => {
        const isSlow = this.#prompt === 0 && chance(random, 0.5);
        if (isSlow) await pause();
        const entries = await inner.rangeEntries(range);
        if (isSlow) await pause();
        return entries;
      },
      write: async (changes, sync) => {
        if (sync) await pause();
        const failure = this.#failure;
        if (failure !== undefined) {
          if (chance(random, 0.3))
            this.#landed = () => inner.write(changes, sync).then(sync ? synced : undefined);
          throw failure;
        }
        await inner.write(changes, sync);
        if (sync) synced();
        if (sync) await pause();
      },
      close: async () => {
        await this.#land();
        await inner.close();
      },
    };
  }
}
