import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import {
  CLOSE_CODES,
  GRPC_CLOSE_CODE_TRAILER,
  GRPC_STATUS_BY_CLOSE_CODE,
  type Close,
} from "@hawser/protocol";
import { GrpcConnection, isBroken, type GrpcConnectionParts } from "./grpc-connection.js";
import { encodeGrpcMessage, GRPC_STATUS } from "./service.js";

const NORMAL_CLOSE: Close = { code: CLOSE_CODES.normal, reason: "" };

/** The principal's end of a stream: it closes by its trailers, then hears the agent out until the agent's end of the stream. */
export class ServerConnection extends GrpcConnection<ServerHttp2Stream> {
  #trailers: OutgoingHttpHeaders = {};
  #hasSentTrailers = false;

  constructor(parts: GrpcConnectionParts<ServerHttp2Stream>) {
    super(parts);
    this.distrust();
    parts.stream.on("wantTrailers", () => {
      this.#hasSentTrailers = true;
      this.stream.sendTrailers(this.#trailers);
    });
  }

  protected override sayClose(close: Close): void {
    this.#endStream(close, grpcStatusOf(close.code));
  }

  protected override peerEnded(): void {
    if (this.ownClose !== undefined) return this.#answer();
    // Node.js (and with it grpc-js) cancels a stream by ending and then resetting it. Both arrive together: a look at the stream a moment
    // later tells an end from a cancellation.
    this.runtime.timers.soon(() => {
      if (!this.hasEnded && !isBroken(this.stream)) this.#answer();
    });
  }

  protected override streamClosed(): void {
    const { ownClose } = this;
    // Once it has the status, a client may as well drop the stream as end it (many gRPC libraries do); a broken network is another matter.
    const isDropped = this.#hasSentTrailers && this.stream.session?.destroyed === false;
    if (ownClose !== undefined && isDropped) this.endClosed(ownClose, "local");
    else super.streamClosed();
  }

  /** The agent has ended its side: this ends the connection, behind a status unless that has been given. */
  #answer(): void {
    const { ownClose, peerClose } = this;
    if (ownClose === undefined) {
      const close = peerClose ?? NORMAL_CLOSE;
      this.#endStream(close, GRPC_STATUS.ok);
      return this.endClosed(close, "peer");
    }
    // An agent that only answers says nothing of its own; another code means that it closed for its own reason at the same time.
    if (peerClose === undefined || peerClose.code === ownClose.code) this.endClosed(ownClose, "local");
    else this.endClosed(peerClose, "peer");
  }

  #endStream(close: Close, status: number): void {
    this.#trailers = {
      "grpc-status": status,
      "grpc-message": encodeGrpcMessage(close.reason),
      [GRPC_CLOSE_CODE_TRAILER]: close.code,
    };
    this.writer.end(() => void this.stream.end());
  }
}

function grpcStatusOf(code: number): number {
  const known: Readonly<Record<number, number>> = GRPC_STATUS_BY_CLOSE_CODE;
  return known[code] ?? GRPC_STATUS.unavailable;
}
