import { LIMITS } from "@hawser/protocol";
import { guarded, type Timers } from "@hawser/runtime";

/**
 * Most bytes of several events in a batch: one frame of HTTP/2 (RFC 9113, section 4.2) behind the
 * five bytes of gRPC, and no more than a peer may send before the welcome.
 */
const MAX_BATCH_BYTES = LIMITS.maxHelloBytes - 5;

/** Where batches go: the write side of a call of grpc-js. */
export interface BatchSink {
  /** @param done runs once the batch has left the process; never, when the stream ends before */
  write(batch: Buffer, done: (error?: Error | null) => void): boolean;
}

/**
 * Sends events in batches: those sent within one tick, or while a batch is under way, leave as one
 * `CloudEventBatch`. A message costs grpc-js more than its events, so this decides the throughput.
 */
export class BatchWriter {
  readonly #sink: BatchSink;
  readonly #timers: Timers;
  readonly #onProgress: () => void;
  readonly #failed: (thrown: unknown) => void;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #writingBytes = 0;
  #isDue = false;
  #onEnd: (() => void) | undefined;

  /**
   * @param onProgress some of the bytes have left
   * @param failed ends the stream for an error of a write or of `onEnd`
   */
  constructor(
    sink: BatchSink,
    timers: Timers,
    onProgress: () => void,
    failed: (thrown: unknown) => void = () => {},
  ) {
    this.#sink = sink;
    this.#timers = timers;
    this.#onProgress = onProgress;
    this.#failed = failed;
  }

  /** Bytes sent that have not left the process. */
  get bufferedBytes(): number {
    return this.#queuedBytes + this.#writingBytes;
  }

  /** @param batch an encoded batch of one; batches put one behind the other are one batch */
  send(batch: Uint8Array): void {
    this.#queue.push(batch);
    this.#queuedBytes += batch.length;
    this.#becomeDue();
  }

  /** Runs `onEnd` once everything sent has been written. Nothing may be sent any more. */
  end(onEnd: () => void): void {
    this.#onEnd = onEnd;
    this.#becomeDue();
  }

  /** Forgets what has not been written. */
  drop(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#onEnd = undefined;
  }

  #becomeDue(): void {
    if (this.#isDue || this.#writingBytes > 0) return;
    this.#isDue = true;
    this.#timers.soon(() => {
      this.#isDue = false;
      guarded(() => this.#write(), this.#failed);
    });
  }

  #write(): void {
    if (this.#queue.length === 0) {
      const onEnd = this.#onEnd;
      this.#onEnd = undefined;
      onEnd?.();
      return;
    }
    const batch = this.#nextBatch();
    this.#writingBytes = batch.length;
    this.#queuedBytes -= batch.length;
    this.#sink.write(batch, (error) => {
      this.#writingBytes = 0;
      // Unwritten batches are dropped with the stream, whose end reports the loss.
      if (error !== undefined && error !== null) return this.drop();
      guarded(() => {
        this.#write();
        this.#onProgress();
      }, this.#failed);
    });
  }

  #nextBatch(): Buffer {
    const count = this.#countThatFits();
    const [first] = this.#queue;
    if (count === this.#queue.length) {
      const batches = this.#queue;
      this.#queue = [];
      return joined(batches, first);
    }
    return joined(this.#queue.splice(0, count), first);
  }

  #countThatFits(): number {
    let bytes = 0;
    let count = 0;
    for (const batch of this.#queue) {
      bytes += batch.length;
      if (count === LIMITS.maxBatchEvents || (count > 0 && bytes > MAX_BATCH_BYTES)) break;
      count += 1;
    }
    return count;
  }
}

function joined(batches: readonly Uint8Array[], first: Uint8Array | undefined): Buffer {
  if (batches.length !== 1 || first === undefined) return Buffer.concat(batches);
  return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
}
