import { constants, type Http2Session, type ServerHttp2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import {
  CLOSE_CODES,
  GRPC_STATUS_BY_CLOSE_CODE,
  HawserError,
  LIMITS,
  type CloseCode,
} from "@hawser/protocol";
import { closedEnd, type Close, type ConnectionEnd } from "@hawser/transport";
import { FinalStatus } from "./final-status.js";
import { GrpcConnection, type GrpcConnectionParts } from "./grpc-connection.js";
import { identityHeaders } from "./identity-encoding.js";
import type { ServerCall } from "./server-call.js";

const NORMAL_CLOSE: Close = { code: CLOSE_CODES.normal, reason: "" };

/** What gRPC puts in front of a message: a flag and the length. */
const MESSAGE_HEADER_BYTES = 5;

/** A frame of HTTP/2 may bring the end of one message and the beginning of the next. */
const MAX_UNTRUSTED_BYTES = LIMITS.maxHelloBytes + 16_384;

/** A client that sends more than this while it is refused gets no reason. */
const MOST_UNTRUSTED_BYTES = 4 * MAX_UNTRUSTED_BYTES;

export interface ServerConnectionParts extends GrpcConnectionParts<ServerCall> {
  /** The stream underneath the call, which alone tells an end from a cancellation. */
  readonly stream: ServerHttp2Stream;
  readonly onTrusted: () => void;
}

/**
 * The principal's end of a stream. It closes by a last event, reads until the agent's end of the
 * stream, and then gives the status.
 */
export class ServerConnection extends GrpcConnection<ServerCall> {
  readonly #stream: ServerHttp2Stream;
  readonly #session: Http2Session | undefined;
  readonly #onTrusted: () => void;
  #streamError: Error | undefined;
  #isTrusted = false;
  #receivedBytes = 0;
  /** Bytes of messages that are not complete. */
  #incompleteBytes = 0;
  readonly #status: FinalStatus;

  constructor(parts: ServerConnectionParts) {
    super(parts, true);
    const { call, stream } = parts;
    this.#stream = stream;
    this.#session = stream.session;
    this.#status = new FinalStatus(call);
    this.#onTrusted = parts.onTrusted;
    stream.on("data", (chunk: Buffer) => this.guarded(() => this.#count(chunk)));
    stream.on("error", (error) => {
      this.#streamError ??= error;
    });
    stream.once("close", () => this.guarded(() => this.#streamClosed()));
    call.on("end", () => this.guarded(() => this.#peerEnded()));
    call.on("cancelled", () => this.guarded(() => this.#endedByLibrary()));
    // A client may wait for the headers of the answer before it says anything.
    call.sendMetadata(identityHeaders());
  }

  /** Of this stream, as the socket may carry others. */
  override get receivedBytes(): number {
    return this.#receivedBytes;
  }

  override trust(): void {
    super.trust();
    this.#isTrusted = true;
    this.#onTrusted();
  }

  protected override sayClose(close: Close): void {
    this.sendClose(close);
    this.#status.follow(this.writer, close, statusOf(close.code));
  }

  /** Its end of the stream follows. */
  protected override peerClosed(): void {}

  protected override messageArrived(bytes: number): void {
    this.#incompleteBytes -= bytes + MESSAGE_HEADER_BYTES;
  }

  // A client that takes the close event, but never ends its side, is given the status all the same.
  protected override releaseAfter(end: ConnectionEnd): "finish" | "cut" {
    if (end.kind === "closed") return "finish";
    if (!this.#status.isDue || this.#stream.destroyed) return "cut";
    this.#status.give();
    return "finish";
  }

  // grpc-js keeps the parts of a message until it is whole, so only a count of them bounds it.
  #count(chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    this.#incompleteBytes += chunk.length;
    if (this.#isTrusted || this.#incompleteBytes <= MAX_UNTRUSTED_BYTES) return;
    // From the status on grpc-js keeps nothing of what comes.
    if (this.#incompleteBytes > MOST_UNTRUSTED_BYTES) this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#status.awaitNobody();
    const reason = `Before the welcome a message may have ${this.maxMessageBytes} bytes.`;
    this.fail(CLOSE_CODES.frameTooLarge, reason);
  }

  #peerEnded(): void {
    if (this.ownClose !== undefined || this.hasEnded) return this.#hearEnd();
    // Node.js cancels a stream by ending and then resetting it. Both arrive together: a look at the
    // stream a moment later tells an end from a cancellation.
    this.runtime.timers.soon(() =>
      this.guarded(() => {
        if (!isBroken(this.#stream)) this.#hearEnd();
        // Where something is still to be written, Node.js waits for that, and nobody reads it.
        else this.#stream.destroy();
      }),
    );
  }

  #hearEnd(): void {
    this.#status.awaitNobody();
    const { ownClose, hasEnded } = this;
    const close = this.peerClose ?? ownClose ?? NORMAL_CLOSE;
    if (ownClose === undefined && !hasEnded) {
      if (this.#incompleteBytes !== 0) {
        return this.fail(CLOSE_CODES.invalidPayload, "The stream ended in the middle of a message.");
      }
      this.#status.follow(this.writer, close, status.OK);
    }
    this.endAnswered(close);
  }

  #streamClosed(): void {
    const { ownClose, peerClose } = this;
    if (peerClose !== undefined) return this.endAnswered(peerClose);
    // A client that has the close may drop the stream instead of ending it; a broken network may
    // not.
    if (ownClose !== undefined && this.#status.isDue && this.#session?.destroyed === false)
      return this.endAnswered(ownClose);
    const cause = this.#streamError;
    const what = cause === undefined ? "" : ` (${cause.message})`;
    const message = `The stream ended without a close handshake${what}.`;
    this.endBroken(new HawserError("connection_closed", message, { cause }));
  }

  /**
   * grpc-js ended the stream: a message announced too many bytes, or the client's deadline passed.
   */
  #endedByLibrary(): void {
    const { sentTrailers } = this.#stream;
    if (this.#status.isGiven || sentTrailers === undefined) return;
    const code = Number(sentTrailers["grpc-status"]);
    const reason = `gRPC ended the stream with status ${code}: ${String(sentTrailers["grpc-message"])}`;
    if (code === status.RESOURCE_EXHAUSTED) {
      const close = { code: CLOSE_CODES.frameTooLarge, reason: "The message is above the limit." };
      return this.end(closedEnd(close, "local"));
    }
    this.endBroken(new HawserError("connection_closed", reason));
  }
}

function statusOf(code: number): number {
  const known: Readonly<Record<number, number>> = GRPC_STATUS_BY_CLOSE_CODE satisfies Record<
    CloseCode,
    number
  >;
  return known[code] ?? status.UNAVAILABLE;
}

/**
 * Whether a stream was reset or its HTTP/2 connection broke: Node.js lets it end as if the peer had
 * ended it, and its `close` follows.
 */
function isBroken(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.aborted || (stream.closed && stream.rstCode !== 0);
}
