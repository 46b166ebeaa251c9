import { Duplex } from "node:stream";
import { guarded, type TurnQueue } from "@hawser/runtime";

/** What HTTP/2 is given at once of what a stranger sent: at some fifteen bytes a stream, work of about two milliseconds. */
const SLICE_BYTES = 1_024;

type Done = (error?: Error | null) => void;

/**
 * A socket as HTTP/2 gets it: what a stranger sends comes in slices, all strangers share the turns of the event loop by them, and what a client sends that is trusted comes as it came.
 *
 * Node reads up to 64 KiB from a socket at once and makes all that is in it before anybody else has a turn: a thousand streams, opened and reset. No limit of HTTP/2 counts these.
 */
export class SlicedSocket extends Duplex {
  readonly #socket: Duplex;
  readonly #turns: TurnQueue;
  readonly #isTrusted: () => boolean;
  #isWanted = false;
  /** For its turn. */
  #isWaiting = false;

  /** @param turns counts bytes */
  constructor(socket: Duplex, turns: TurnQueue, isTrusted: () => boolean) {
    super();
    this.#socket = socket;
    this.#turns = turns;
    this.#isTrusted = isTrusted;
    // Whoever owns the socket hears of it there.
    this.on("error", () => {});
    socket.on("readable", () => this.#pass());
    socket.once("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.once("close", () => this.destroy());
  }

  override _read(): void {
    this.#isWanted = true;
    // Only who reads where nothing is left hears of the end.
    if (this.#socket.readableLength === 0) this.#socket.read(0);
    else this.#pass();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: Done): void {
    this.#socket.write(chunk, encoding, done);
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer; readonly encoding: BufferEncoding }[],
    done: Done,
  ): void {
    const last = chunks.length - 1;
    this.#socket.cork();
    // The socket writes them together, or none.
    chunks.forEach(({ chunk, encoding }, n) => {
      if (n === last) this.#socket.write(chunk, encoding, done);
      else this.#socket.write(chunk, encoding);
    });
    this.#socket.uncork();
  }

  override _final(done: Done): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy();
    done(error);
  }

  #pass(): void {
    while (this.#isWanted && !this.#isWaiting && this.#socket.readableLength > 0) {
      if (this.#isTrusted()) this.#give(this.#socket.read());
      else this.#waitForTurn();
    }
  }

  #waitForTurn(): void {
    this.#isWaiting = true;
    const bytes = Math.min(SLICE_BYTES, this.#socket.readableLength);
    this.#turns.run(() => {
      guarded(
        () => this.#give(this.#socket.read(bytes)),
        () => this.destroy(),
      );
      this.#isWaiting = false;
      this.#pass();
    }, bytes);
  }

  #give(chunk: unknown): void {
    // Nothing is left where the socket was destroyed meanwhile.
    if (chunk instanceof Buffer) this.#isWanted = this.push(chunk);
    else this.#isWanted = false;
  }
}
