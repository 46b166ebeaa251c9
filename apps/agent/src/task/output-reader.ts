import type { Readable } from "node:stream";
import type { Clock, Timer, Timers } from "@hawser/runtime";
import type { OutputTail } from "./output-tail.js";

export interface OutputReaderOptions {
  readonly streams: readonly Readable[];
  readonly tail: OutputTail;
  readonly bytesPerSecond: number;
  readonly clock: Clock;
  readonly timers: Timers;
  /** The budget was used up for the first time: from now on the process is slowed down. */
  readonly slowed: () => void;
}

/** Bytes still read once the process has ended: more than its pipes and Node's buffers hold. */
const LAST_BYTES = 512 * 1024;

/**
 * Reads the output of one process, at most so many bytes a second. Nothing is dropped: a process that writes more finds its pipe full and waits, so that it cannot take the agent's
 * core.
 */
export class OutputReader {
  readonly #options: OutputReaderOptions;
  /** May be used now; below zero once a chunk was larger than what was left. */
  #budgetBytes: number;
  #filledAt: number;
  #timer: Timer | undefined;
  #isSlowed = false;
  #isLast = false;

  constructor(options: OutputReaderOptions) {
    this.#options = options;
    this.#budgetBytes = options.bytesPerSecond;
    this.#filledAt = options.clock.now();
    for (const stream of options.streams) {
      const sink = options.tail.stream();
      stream.on("data", (chunk: Buffer) => {
        sink(chunk);
        this.#took(chunk.byteLength);
      });
      stream.once("end", () => sink(undefined));
      // A pipe that breaks has nothing more to tell; the end of the process is told by its exit.
      stream.on("error", () => sink(undefined));
    }
  }

  /** The process has ended: what its pipes still hold is read at once, and no more than that. */
  finish(): void {
    this.#isLast = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#budgetBytes = LAST_BYTES;
    for (const stream of this.#options.streams) stream.resume();
  }

  /** Gives up what is not read yet. */
  close(): void {
    this.#timer?.cancel();
    for (const stream of this.#options.streams) stream.destroy();
  }

  #took(bytes: number): void {
    const { bytesPerSecond, clock, timers, streams, slowed } = this.#options;
    const now = clock.now();
    if (!this.#isLast) {
      const earned = ((now - this.#filledAt) / 1_000) * bytesPerSecond;
      this.#budgetBytes = Math.min(bytesPerSecond, this.#budgetBytes + earned);
    }
    this.#filledAt = now;
    this.#budgetBytes -= bytes;
    if (this.#budgetBytes > 0 || this.#timer !== undefined) return;
    if (this.#isLast) {
      this.close();
      return;
    }
    for (const stream of streams) stream.pause();
    const waitMs = Math.ceil((-this.#budgetBytes / bytesPerSecond) * 1_000) + 1;
    this.#timer = timers.after(waitMs, () => this.#resume());
    if (!this.#isSlowed) slowed();
    this.#isSlowed = true;
  }

  #resume(): void {
    this.#timer = undefined;
    for (const stream of this.#options.streams) stream.resume();
  }
}
