import type { Http2Stream } from "node:http2";
import {
  CLOSE_CODES,
  CLOSE_EVENT_TYPE,
  closeCodeFor,
  HawserError,
  isCleanClose,
  LIMITS,
  parseClose,
  protobufCodec,
  type Close,
  type CloseCode,
  type CloudEvent,
} from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import {
  cutCloseReason,
  type Connection,
  type ConnectionEnd,
  type ConnectionHandlers,
  type PeerInfo,
  type StreamSettings,
} from "@hawser/transport";
import { MessageDecoder } from "./message-framing.js";
import { StreamWriter } from "./stream-writer.js";

export interface GrpcConnectionParts<Stream extends Http2Stream> {
  /** Open, of which nothing has been read. */
  readonly stream: Stream;
  readonly peer: PeerInfo;
  readonly settings: StreamSettings;
  readonly runtime: Runtime;
  /** The connection has ended; `cut` when nothing of it is worth waiting for. What holds the stream lets go of it. */
  readonly release: (how: "finish" | "cut") => void;
}

/** Until `closing` this side may send; from `ended` on nothing happens any more but that what was sent leaves. */
type State =
  | { readonly name: "open" }
  | { readonly name: "closing"; readonly close: Close }
  | { readonly name: "ended" };

/** What both ends of a gRPC stream have in common (PROTOCOL.md, gRPC). How a close is said, and what the peer's end means, differs. */
export abstract class GrpcConnection<Stream extends Http2Stream> implements Connection {
  readonly transport = "grpc";
  readonly peer: PeerInfo;
  protected readonly stream: Stream;
  protected readonly runtime: Runtime;
  protected readonly writer: StreamWriter;
  /** What the peer said last, in so many words. */
  protected peerClose: Close | undefined;
  readonly #settings: StreamSettings;
  readonly #release: (how: "finish" | "cut") => void;
  readonly #decoder: MessageDecoder;
  #handlers: ConnectionHandlers | undefined;
  #state: State = { name: "open" };
  #isReading = false;
  #isBlocked = false;
  #isPaused = false;
  #unheardEnd: ConnectionEnd | undefined;
  #streamError: Error | undefined;

  constructor({ stream, peer, settings, runtime, release }: GrpcConnectionParts<Stream>) {
    this.peer = peer;
    this.stream = stream;
    this.runtime = runtime;
    this.writer = new StreamWriter(stream, runtime.timers, () => this.#progressed());
    this.#settings = settings;
    this.#release = release;
    this.#decoder = new MessageDecoder(settings.maxFrameBytes);
    // A peer that is not read yet is held back by flow control, not by a queue here.
    stream.pause();
    stream.on("error", (error) => {
      this.#streamError ??= error;
    });
    stream.on("close", () => this.streamClosed());
  }

  trust(): void {
    this.#decoder.limit(this.#settings.maxFrameBytes);
  }

  /** The accepting end, before it knows its peer. */
  protected distrust(): void {
    this.#decoder.limit(Math.min(LIMITS.maxHelloBytes, this.#settings.maxFrameBytes));
  }

  get bufferedBytes(): number {
    return this.#state.name === "ended" ? 0 : this.writer.bufferedBytes;
  }

  /** The close this side has said; undefined while it has not. */
  protected get ownClose(): Close | undefined {
    return this.#state.name === "closing" ? this.#state.close : undefined;
  }

  protected get hasEnded(): boolean {
    return this.#state.name === "ended";
  }

  open(handlers: ConnectionHandlers): void {
    if (this.#handlers !== undefined) throw new HawserError("internal", "A connection is opened once.");
    this.#handlers = handlers;
    this.runtime.timers.soon(() => this.#beginReading(handlers));
  }

  send(event: CloudEvent): boolean {
    if (this.#state.name !== "open") return false;
    this.writer.send(protobufCodec.encode(event));
    const { highWaterBytes, hardLimitBytes } = this.#settings.limits;
    const buffered = this.writer.bufferedBytes;
    if (buffered <= highWaterBytes) return true;
    this.#isBlocked = true;
    if (buffered > hardLimitBytes) {
      this.terminate(new HawserError("slow_consumer", `The peer left ${buffered} bytes unread.`));
    }
    return false;
  }

  pause(): void {
    if (this.#handlers === undefined || this.#state.name === "ended") return;
    this.#isPaused = true;
    this.stream.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#isReading) this.stream.resume();
  }

  close(code: CloseCode, reason: string): void {
    if (this.#state.name !== "open") return;
    const close = { code, reason: cutCloseReason(reason) };
    this.#state = { name: "closing", close };
    this.sayClose(close);
  }

  terminate(error: HawserError): void {
    this.end({ kind: "lost", error });
  }

  /** Tells the peer, behind everything sent so far. */
  protected abstract sayClose(close: Close): void;

  /** The peer has ended its side of the stream; everything it sent has been delivered. */
  protected abstract peerEnded(): void;

  /** The stream is gone. */
  protected streamClosed(): void {
    const cause = this.#streamError;
    const what = cause === undefined ? "" : ` (${cause.message})`;
    const message = `The stream ended without a close handshake${what}.`;
    this.end({ kind: "lost", error: new HawserError("connection_closed", message, { cause }) });
  }

  protected endClosed({ code, reason }: Close, by: "local" | "peer"): void {
    this.end({ kind: "closed", clean: isCleanClose(code), code, reason, by });
  }

  protected end(end: ConnectionEnd): void {
    if (this.#state.name === "ended") return;
    this.#state = { name: "ended" };
    // What still comes is read and thrown away, so that the stream can finish.
    this.stream.resume();
    if (end.kind === "lost") this.writer.drop();
    this.#release(end.kind === "lost" ? "cut" : "finish");
    if (this.#isReading) this.#handlers?.ended(end);
    else this.#unheardEnd = end;
  }

  #beginReading(handlers: ConnectionHandlers): void {
    this.#isReading = true;
    if (this.#unheardEnd !== undefined) return handlers.ended(this.#unheardEnd);
    this.stream.on("data", (chunk: Buffer) => this.#received(chunk, handlers));
    this.stream.on("end", () => this.#endOfStream());
    if (!this.#isPaused) this.stream.resume();
    this.#progressed();
  }

  #received(chunk: Buffer, handlers: ConnectionHandlers): void {
    if (this.#state.name === "ended") return;
    this.#decoder.push(chunk);
    for (let decoded = this.#decoder.next(); decoded !== undefined; decoded = this.#decoder.next()) {
      if (decoded.kind === "violation") return this.#fail(decoded.code, decoded.reason);
      const event = this.#parse(decoded.bytes);
      if (event !== undefined) handlers.message(event);
      if (this.#hasEndedMeanwhile()) return;
    }
  }

  /** The event for the layer above; undefined when it was for this one, or is none at all and the connection has failed. */
  #parse(bytes: Uint8Array): CloudEvent | undefined {
    try {
      const event = protobufCodec.decode(bytes);
      if (event.type !== CLOSE_EVENT_TYPE) return event;
      this.peerClose = parseClose(event);
    } catch (thrown) {
      const error = HawserError.from(thrown, "invalid_event");
      this.#fail(closeCodeFor(error.code), error.message);
    }
    return undefined;
  }

  /** A handler, or a bad message, may have ended the connection. */
  #hasEndedMeanwhile(): boolean {
    return this.#state.name === "ended";
  }

  /** The peer sent what it may not: it is told, and nothing more is expected of it. */
  #fail(code: CloseCode, reason: string): void {
    this.close(code, reason);
    this.endClosed(this.ownClose ?? { code, reason: cutCloseReason(reason) }, "local");
  }

  #endOfStream(): void {
    if (this.#state.name === "ended") return;
    if (isBroken(this.stream)) {
      // After a reset without an error (NO_ERROR) Node.js waits for this side to finish as well, which it never would.
      this.stream.destroy();
      return;
    }
    if (!this.#decoder.isBetweenMessages) {
      return this.#fail(CLOSE_CODES.invalidPayload, "The stream ended in the middle of a message.");
    }
    this.peerEnded();
  }

  /** Bytes have left; the only news is when that made enough room. */
  #progressed(): void {
    if (!this.#isBlocked || this.#state.name !== "open" || !this.#isReading) return;
    if (this.writer.bufferedBytes > this.#settings.limits.lowWaterBytes) return;
    this.#isBlocked = false;
    this.#handlers?.writable();
  }
}

/**
 * Node.js lets a stream that was reset, or whose HTTP/2 connection broke, end as if its peer had ended it. Its `close` follows, and that is what
 * tells of the loss.
 */
export function isBroken(stream: Http2Stream): boolean {
  return stream.destroyed || stream.aborted || (stream.closed && stream.rstCode !== 0);
}
