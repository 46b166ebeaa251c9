import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** What is parsed at once where a request may begin: the head of an ordinary one. The shortest that pass are 27 bytes long. */
const HEAD_SLICE_BYTES = 512;
/** The same within a body of a length that is not known. */
const BODY_SLICE_BYTES = 1_024;
const NOTHING = Buffer.alloc(0);

/**
 * A connection as its HTTP parser sees it: while a request is answered, nothing behind it is parsed.
 *
 * Node parses what one read of a socket brings, which may be thousands of requests (RFC 9112, section 9.3.2: pipelining), and makes a request and a response of each, whether anybody reads the answers
 * or not. Here the next one waits as bytes, of which there are at most those of two reads, and behind them the socket is paused.
 */
export class RequestFeed extends Duplex {
  /** Node's HTTP server writes itself here. */
  server: unknown = null;
  readonly #socket: Socket;
  /** The one that is being answered, and those of the same slice behind it. */
  readonly #unanswered: { readonly request: IncomingMessage; readonly answer: () => void }[] = [];
  #newest: IncomingMessage | undefined;
  /** Bytes of the newest request's body that may still come, where its head says how many. */
  #bodyBytesLeft = 0;
  #held: Buffer = NOTHING;
  #wanted = false;
  #pumping = false;
  #end: "none" | "held" | "told" = "none";

  constructor(socket: Socket) {
    super({ allowHalfOpen: socket.allowHalfOpen, readableHighWaterMark: 1 });
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
      socket.pause();
      this.#pump();
    });
    socket.on("end", () => {
      this.#end = "held";
      this.#pump();
    });
    socket.on("timeout", () => this.emit("timeout"));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  /** What is below. */
  get socket(): Socket {
    return this.#socket;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  get encrypted(): boolean {
    return "encrypted" in this.#socket && this.#socket.encrypted === true;
  }

  /** The parser has read the head of a request. It is answered at once, or when those before it have been. */
  begun(request: IncomingMessage, answer: () => void): void {
    this.#unanswered.push({ request, answer });
    this.#newest = request;
    this.#bodyBytesLeft = Number(request.headers["content-length"] ?? 0);
    if (this.#unanswered.length === 1) answer();
  }

  /** The answer to the first one is out. */
  answered(): void {
    this.#unanswered.shift();
    if (this.destroyed) return;
    this.#unanswered[0]?.answer();
    queueMicrotask(() => this.#pump());
  }

  setTimeout(timeoutMs: number): this {
    this.#socket.setTimeout(timeoutMs);
    return this;
  }

  /** As a socket's: what was written goes out first. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  override _read(): void {
    this.#wanted = true;
    // Never from within: what is pushed while the stream reads is kept instead of being parsed at once, and more would be pushed behind it.
    queueMicrotask(() => this.#pump());
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(
    chunks: { readonly chunk: Buffer; readonly encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.cork();
    for (const [index, { chunk, encoding }] of chunks.entries())
      this.#socket.write(chunk, encoding, index === chunks.length - 1 ? done : undefined);
    this.#socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#held = NOTHING;
    this.#socket.destroy();
    done(error);
  }

  #pump(): void {
    if (this.#pumping || this.destroyed) return;
    this.#pumping = true;
    while (this.#wanted && this.#held.length > 0 && this.#mayParse()) {
      const slice = this.#held.subarray(0, this.#sliceBytes());
      this.#held = this.#held.subarray(slice.length);
      this.#bodyBytesLeft = Math.max(0, this.#bodyBytesLeft - slice.length);
      this.#wanted = this.push(slice);
    }
    this.#pumping = false;
    if (this.#held.length > 0) return;
    if (this.#end === "none") this.#socket.resume();
    if (this.#end !== "held") return;
    this.#end = "told";
    this.push(null);
  }

  #mayParse(): boolean {
    return this.#unanswered.length === 0 || this.#newest?.complete === false;
  }

  #sliceBytes(): number {
    if (this.#newest === undefined || this.#newest.complete) return HEAD_SLICE_BYTES;
    return Math.max(this.#bodyBytesLeft, BODY_SLICE_BYTES);
  }
}
