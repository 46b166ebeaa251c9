import { Metadata, status as grpcStatus, type StatusObject } from "@grpc/grpc-js";
import {
  CLOSE_CODE_BY_GRPC_STATUS,
  CLOSE_CODES,
  GRPC_CLOSE_CODE_TRAILER,
  HawserError,
} from "@hawser/protocol";
import type { Close, ConnectionEnd } from "@hawser/transport";
import type { ClientCall } from "./channel.js";
import { GrpcConnection, type GrpcConnectionParts } from "./grpc-connection.js";
import { refusedStream } from "./refused-stream.js";
import { parseNumber } from "./service.js";

export interface ClientConnectionParts extends GrpcConnectionParts<ClientCall> {
  /** All that was ever read from the socket, which carries this connection alone. */
  readonly bytesRead: () => number;
}

/**
 * The agent's end of a stream. It closes by a last event and its end of the stream, and is given a
 * status by the principal.
 */
export class ClientConnection extends GrpcConnection<ClientCall> {
  readonly #bytesRead: () => number;
  /**
   * The headers of the answer, which tell of a time to come back where something in between
   * refused.
   */
  #headers = new Metadata();
  #hasBegun = false;
  #status: StatusObject | undefined;
  #isRead = false;

  constructor(parts: ClientConnectionParts) {
    super(parts, false);
    const { call } = parts;
    this.#bytesRead = parts.bytesRead;
    call.on("metadata", (headers: Metadata) => {
      this.#headers = headers;
      this.#hasBegun = true;
    });
    // Until somebody asks for the first message grpc-js collects all that come.
    call.read(0);
    // The status may come before the last messages have been read.
    call.on("status", (status: StatusObject) => {
      this.#status = status;
      this.guarded(() => this.#endIfRead());
    });
    call.on("end", () => {
      this.#isRead = true;
      this.guarded(() => this.#endIfRead());
    });
  }

  override get receivedBytes(): number {
    return this.#bytesRead();
  }

  /** The principal, or a proxy in front of it, has sent a GOAWAY. */
  retired(): void {
    this.retire();
  }

  protected override sayClose(close: Close): void {
    if (close.code !== CLOSE_CODES.normal || close.reason !== "") this.sendClose(close);
    this.#endStream();
  }

  protected override peerClosed(close: Close): void {
    if (this.ownClose === undefined) this.#endStream();
    super.peerClosed(close);
  }

  protected override messageArrived(): void {}

  protected override releaseAfter(end: ConnectionEnd): "finish" | "cut" {
    return end.kind === "lost" ? "cut" : "finish";
  }

  #endStream(): void {
    this.writer.end(() => void this.call.end());
  }

  #endIfRead(): void {
    const status = this.#status;
    if (status === undefined || !this.#isRead || this.hasEnded) return;
    const close = this.#closeOf(status);
    if (close === undefined) this.endBroken(this.#lossOf(status));
    else this.endAnswered(close);
  }

  #closeOf({ code: statusCode, details: reason, metadata }: StatusObject): Close | undefined {
    const said = parseNumber(metadata.get(GRPC_CLOSE_CODE_TRAILER)[0]);
    if (said !== undefined) return { code: said, reason };
    if (statusCode === grpcStatus.OK && this.ownClose !== undefined) return this.ownClose;
    const code = CLOSE_CODE_BY_GRPC_STATUS[statusCode];
    // grpc-js calls it OK where the server gave no word of its own.
    return code === undefined ? undefined : { code, reason: statusCode === grpcStatus.OK ? "" : reason };
  }

  #lossOf(status: StatusObject): HawserError {
    const { address } = this.peer;
    const refused = refusedStream(address, status, this.#headers, this.runtime.clock.wallTime());
    if (refused !== undefined) return refused;
    const what = `gRPC status ${status.code}${status.details === "" ? "" : `: ${status.details}`}`;
    // An answer has headers, which a connection that broke has not; and who took the stream sent
    // some before its status.
    const isAnswer = Object.keys(status.metadata.getMap()).length > 0 && !this.#hasBegun;
    return isAnswer
      ? new HawserError("connection_failed", `${address} answered with ${what}`)
      : new HawserError("connection_closed", `The stream ended with ${what}, and without a close code.`);
  }
}
