import type { Socket } from "node:net";
import type { Runtime, Timer } from "@hawser/runtime";

export interface Shape {
  /** Added to every chunk, one way. */
  readonly latencyMs: number;
  /** One way. `Infinity`: as fast as it comes. */
  readonly bytesPerSecond: number;
}

/** Chunks waiting for their time may add up to this much; then the source is not read. */
const MAX_QUEUED_BYTES = 1_048_576;

/** Carries bytes from one socket to another, late and slowly as its shape says, in order, with backpressure and half-close. */
export class ShapedStream {
  readonly #runtime: Runtime;
  readonly #shape: () => Shape;
  readonly #source: Socket;
  readonly #target: Socket;
  #queue: { readonly chunk: Buffer; readonly dueAt: number }[] = [];
  #queuedBytes = 0;
  #lastDueAt = 0;
  #sourceEnded = false;
  #blocked = false;
  #stopped = false;
  #timer: Timer | undefined;

  constructor(
    runtime: Runtime,
    shape: () => Shape,
    ends: { readonly source: Socket; readonly target: Socket; readonly passed: (bytes: number) => void },
  ) {
    this.#runtime = runtime;
    this.#shape = shape;
    this.#source = ends.source;
    this.#target = ends.target;
    ends.source.on("data", (chunk: Buffer) => {
      ends.passed(chunk.length);
      this.#take(chunk);
    });
    ends.source.on("end", () => {
      this.#sourceEnded = true;
      this.#pump();
    });
    ends.target.on("drain", () => {
      this.#blocked = false;
      this.#pump();
    });
  }

  /** Nothing more passes, and nobody is told. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#queue = [];
    this.#source.pause();
  }

  #take(chunk: Buffer): void {
    if (this.#stopped) return;
    const { latencyMs, bytesPerSecond } = this.#shape();
    const now = this.#runtime.clock.now();
    const dueAt = Math.max(now + latencyMs, this.#lastDueAt) + (chunk.length / bytesPerSecond) * 1000;
    this.#lastDueAt = dueAt;
    this.#queue.push({ chunk, dueAt });
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#source.pause();
    this.#pump();
  }

  #pump(): void {
    if (this.#stopped || this.#timer !== undefined) return;
    const now = this.#runtime.clock.now();
    let next = this.#queue[0];
    while (next !== undefined && next.dueAt <= now && !this.#blocked) {
      this.#queue.shift();
      this.#queuedBytes -= next.chunk.length;
      this.#blocked = !this.#target.write(next.chunk);
      next = this.#queue[0];
    }
    if (this.#queuedBytes <= MAX_QUEUED_BYTES && this.#source.isPaused()) this.#source.resume();
    if (next === undefined) {
      if (this.#sourceEnded) this.#target.end();
    } else if (!this.#blocked) {
      this.#timer = this.#runtime.timers.after(next.dueAt - now, () => {
        this.#timer = undefined;
        this.#pump();
      });
    }
  }
}
