import type { ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import {
  CLOSE_CODE_BY_GRPC_STATUS,
  encodeClose,
  GRPC_CLOSE_CODE_TRAILER,
  HawserError,
  protobufCodec,
  type Close,
} from "@hawser/protocol";
import { GrpcConnection, type GrpcConnectionParts } from "./grpc-connection.js";
import { decodeGrpcMessage, parseNumber } from "./service.js";

/** Who says that a client closes: the `source` of its close event. */
const CLOSE_SOURCE = "/hawser/transport-grpc";

/** The agent's end of a stream: it closes by a last event and its end of the stream, and learns from the trailers what the principal meant. */
export class ClientConnection extends GrpcConnection<ClientHttp2Stream> {
  #trailers: IncomingHttpHeaders = {};

  constructor(parts: GrpcConnectionParts<ClientHttp2Stream>) {
    super(parts);
    parts.stream.on("trailers", (trailers) => {
      this.#trailers = trailers;
    });
  }

  protected override sayClose(close: Close): void {
    if (close.code !== 1000 || close.reason !== "") {
      const envelope = { id: this.runtime.random.uuid(), source: CLOSE_SOURCE };
      this.writer.send(protobufCodec.encode(encodeClose(close, envelope)));
    }
    this.#endStream();
  }

  protected override peerEnded(): void {
    const { ownClose } = this;
    const peerClose = this.#peerClose();
    if (peerClose instanceof HawserError) return this.end({ kind: "lost", error: peerClose });
    if (ownClose === undefined) this.#endStream();
    // An answer repeats our code; another one means that the principal closed for a reason of its own at the same time.
    if (ownClose?.code === peerClose.code) this.endClosed(ownClose, "local");
    else this.endClosed(peerClose, "peer");
  }

  #endStream(): void {
    this.writer.end(() => void this.stream.end());
  }

  #peerClose(): Close | HawserError {
    const status = parseNumber(this.#trailers["grpc-status"]?.toString());
    const reason = decodeGrpcMessage(this.#trailers["grpc-message"]?.toString());
    const fallback = status === undefined ? undefined : CLOSE_CODE_BY_GRPC_STATUS[status];
    const code = parseNumber(this.#trailers[GRPC_CLOSE_CODE_TRAILER]) ?? fallback;
    if (code !== undefined) return { code, reason };
    const what = status === undefined ? "no gRPC status" : `gRPC status ${status}`;
    const said = reason === "" ? "" : `: ${reason}`;
    return new HawserError("connection_closed", `The stream ended with ${what} and no close code${said}.`);
  }
}
