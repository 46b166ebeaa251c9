import { Duplex } from "node:stream";
import { guarded, type Timers, type TurnQueue } from "@hawser/runtime";
import type { HeldBytes } from "./waiting-bytes.js";

/**
 * Bytes of an untrusted client given to HTTP/2 at once: at fifteen bytes a stream, half a
 * millisecond.
 */
const SLICE_BYTES = 256;

/** A client with a session, one without, and one that was refused and must go. */
export type Standing = "trusted" | "untrusted" | "sentAway";

export interface SlicedSocketParts {
  readonly socket: Duplex;
  /** Counts bytes. */
  readonly turns: TurnQueue;
  readonly timers: Timers;
  readonly standing: () => Standing;
  /** What was read of it and waits for its turn. */
  readonly held: HeldBytes;
}

type Done = (error?: Error | null) => void;

/**
 * A socket as HTTP/2 reads it. Bytes of untrusted clients come in slices that share the turns of
 * the event loop, bytes of trusted ones come directly, and those of refused ones are discarded.
 *
 * Node reads up to 64 KiB from a socket at once and processes all of it in one turn: a thousand
 * streams, opened and reset, which no limit of HTTP/2 counts.
 */
export class SlicedSocket extends Duplex {
  readonly #socket: Duplex;
  readonly #turns: TurnQueue;
  readonly #timers: Timers;
  readonly #standing: () => Standing;
  readonly #held: HeldBytes;
  readonly #onReadable = (): void => this.#pass();
  #isFlowing = false;
  #isWanted = false;
  /** For its turn, or for what became of the slice before. */
  #isWaiting = false;

  constructor({ socket, turns, timers, standing, held }: SlicedSocketParts) {
    super();
    this.#socket = socket;
    this.#turns = turns;
    this.#timers = timers;
    this.#standing = standing;
    this.#held = held;
    // The owner of the socket listens to its errors.
    this.on("error", () => {});
    socket.on("readable", this.#onReadable);
    socket.once("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.once("close", () => this.destroy());
  }

  override _read(): void {
    this.#isWanted = true;
    if (this.#isFlowing) {
      this.#socket.resume();
      return;
    }
    // Only a read of an empty socket reveals its end.
    if (this.#socket.readableLength === 0) this.#socket.read(0);
    else this.#pass();
  }

  // Writes go straight to the socket: a second queue would only cost.
  override write(chunk: unknown, encodingOrDone?: BufferEncoding | Done, done?: Done): boolean {
    if (typeof encodingOrDone === "string") return this.#socket.write(chunk, encodingOrDone, done);
    return this.#socket.write(chunk, encodingOrDone ?? done);
  }

  override cork(): void {
    this.#socket.cork();
  }

  override uncork(): void {
    this.#socket.uncork();
  }

  /** Of what comes with the end. */
  override _write(chunk: Buffer, encoding: BufferEncoding, done: Done): void {
    this.#socket.write(chunk, encoding, done);
  }

  override _final(done: Done): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy();
    done(error);
  }

  #pass(): void {
    this.#held.are(this.#socket.readableLength);
    while (this.#isWanted && !this.#isWaiting && this.#socket.readableLength > 0) {
      const standing = this.#standing();
      // Read and discarded, because the end comes behind it.
      if (standing === "sentAway") this.#socket.read();
      else if (standing === "trusted") return this.#flow();
      else this.#waitForTurn();
    }
    this.#held.are(this.#socket.readableLength);
  }

  #flow(): void {
    this.#isFlowing = true;
    this.#held.are(0);
    this.#socket.off("readable", this.#onReadable);
    this.#socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) this.#socket.pause();
    });
  }

  #waitForTurn(): void {
    this.#isWaiting = true;
    const bytes = Math.min(SLICE_BYTES, this.#socket.readableLength);
    this.#turns.run(() => {
      guarded(
        () => this.#give(this.#socket.read(bytes)),
        () => this.destroy(),
      );
      this.#timers.soon(() => this.#continue());
    }, bytes);
  }

  // By now the slice is processed: HTTP/2 reports a request at the end of the turn.
  #continue(): void {
    this.#isWaiting = false;
    this.#pass();
  }

  #give(chunk: unknown): void {
    // Null where the socket was destroyed meanwhile.
    if (chunk instanceof Buffer) this.#isWanted = this.push(chunk);
    else this.#isWanted = false;
  }
}
