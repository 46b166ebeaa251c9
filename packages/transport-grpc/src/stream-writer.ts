import type { Http2Stream } from "node:http2";
import type { Timers } from "@hawser/runtime";
import { frameMessages, MESSAGE_HEADER_BYTES } from "./message-framing.js";

/** The most that is joined into one write: enough to make the cost of a write vanish, small enough that the buffer empties step by step. */
const MAX_WRITE_BYTES = 262_144;

/**
 * Writes messages in batches: what is sent within one tick, and whatever gathers while a write is under way, leaves in one write.
 * HTTP/2 costs more per write than everything else together, so this decides the throughput.
 */
export class StreamWriter {
  readonly #stream: Http2Stream;
  readonly #timers: Timers;
  readonly #onProgress: () => void;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #writingBytes = 0;
  #isDue = false;
  #onEnd: (() => void) | undefined;

  /** @param onProgress some of the bytes have left */
  constructor(stream: Http2Stream, timers: Timers, onProgress: () => void) {
    this.#stream = stream;
    this.#timers = timers;
    this.#onProgress = onProgress;
  }

  /** Bytes sent that have not left the process. */
  get bufferedBytes(): number {
    return this.#queuedBytes + this.#writingBytes;
  }

  send(message: Uint8Array): void {
    this.#queue.push(message);
    this.#queuedBytes += MESSAGE_HEADER_BYTES + message.length;
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
      this.#write();
    });
  }

  #write(): void {
    if (this.#queue.length === 0) {
      const onEnd = this.#onEnd;
      this.#onEnd = undefined;
      onEnd?.();
      return;
    }
    if (this.#stream.destroyed || this.#stream.writableEnded) return this.drop();
    const { messages, bytes } = this.#nextBatch();
    this.#writingBytes = bytes;
    this.#queuedBytes -= bytes;
    this.#stream.write(frameMessages(messages, bytes), (error) => {
      this.#writingBytes = 0;
      // What was not written is dropped with the stream, whose end is reported by its `close`.
      if (error !== null && error !== undefined) return this.drop();
      this.#write();
      this.#onProgress();
    });
  }

  #nextBatch(): { readonly messages: readonly Uint8Array[]; readonly bytes: number } {
    let bytes = 0;
    let count = 0;
    for (const message of this.#queue) {
      const next = bytes + MESSAGE_HEADER_BYTES + message.length;
      if (count > 0 && next > MAX_WRITE_BYTES) break;
      bytes = next;
      count += 1;
    }
    return { messages: this.#queue.splice(0, count), bytes };
  }
}
