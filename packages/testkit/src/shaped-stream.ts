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
/** A slow line carries at most so much of its time in one piece: what comes through it trickles, and is not silent for long and then there at once. */
const MAX_PIECE_MS = 50;

/** Carries bytes from one socket to another, late and slowly as its shape of the moment says, in order, with backpressure and half-close. */
export class ShapedStream {
  readonly #runtime: Runtime;
  readonly #shape: () => Shape;
  readonly #source: Socket;
  readonly #target: Socket;
  #queue: { readonly chunk: Buffer; readonly arrivedAt: number }[] = [];
  #queuedBytes = 0;
  /** When the line has carried everything that left so far. */
  #freeAt = 0;
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

  /** The shape has changed: what waits goes by the new one. */
  reshape(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#freeAt = Math.min(this.#freeAt, this.#runtime.clock.now());
    this.#pump();
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
    this.#queue.push({ chunk, arrivedAt: this.#runtime.clock.now() });
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#source.pause();
    this.#pump();
  }

  #pump(): void {
    if (this.#stopped || this.#timer !== undefined) return;
    const { latencyMs, bytesPerSecond } = this.#shape();
    const now = this.#runtime.clock.now();
    let waitMs: number | undefined;
    let next = this.#nextPiece(bytesPerSecond);
    while (next !== undefined && !this.#blocked) {
      const carriedMs = (next.chunk.length / bytesPerSecond) * 1000;
      const dueAt = Math.max(next.arrivedAt + latencyMs, this.#freeAt) + carriedMs;
      if (dueAt > now) {
        waitMs = dueAt - now;
        break;
      }
      this.#freeAt = dueAt;
      this.#queue.shift();
      this.#queuedBytes -= next.chunk.length;
      this.#blocked = !this.#target.write(next.chunk);
      next = this.#nextPiece(bytesPerSecond);
    }
    if (this.#queuedBytes <= MAX_QUEUED_BYTES && this.#source.isPaused()) this.#source.resume();
    if (next === undefined && this.#sourceEnded) this.#target.end();
    if (waitMs !== undefined) this.#wakeIn(waitMs);
  }

  /** The oldest bytes that wait, cut to what a slow line carries in one piece. */
  #nextPiece(bytesPerSecond: number): { readonly chunk: Buffer; readonly arrivedAt: number } | undefined {
    const [next] = this.#queue;
    const most = Math.max(1, Math.floor((bytesPerSecond * MAX_PIECE_MS) / 1000));
    if (next === undefined || next.chunk.length <= most) return next;
    const { chunk, arrivedAt } = next;
    const piece = { chunk: chunk.subarray(0, most), arrivedAt };
    this.#queue.splice(0, 1, piece, { chunk: chunk.subarray(most), arrivedAt });
    return piece;
  }

  #wakeIn(ms: number): void {
    this.#timer = this.#runtime.timers.after(ms, () => {
      this.#timer = undefined;
      this.#pump();
    });
  }
}
