import { once } from "node:events";
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import {
  CLOSE_EVENT_TYPE,
  encodeClose,
  GRPC_CLOSE_CODE_TRAILER,
  GRPC_STATUS_BY_CLOSE_CODE,
  parseClose,
  protobufBatchCodec,
  type Close,
  type CloudEvent,
} from "@hawser/protocol";
import { AgentCall, type HandMadePrincipal } from "./agent-call.js";
import { grpcMessage } from "./raw-grpc.js";

/** UNAVAILABLE: what a close code this protocol does not name is sent with. */
const UNAVAILABLE = 14;
const CONTENT_TYPE = "application/grpc+proto";

/** The principal's end of a gRPC stream on bare HTTP/2. */
export class ServedGrpc extends AgentCall {
  readonly #stream: ServerHttp2Stream;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  #buffer = Buffer.alloc(0);
  #trailers: Record<string, string> = {};
  #close: Close | undefined;
  #agentClose: Close = { code: 1000, reason: "" };

  constructor(stream: ServerHttp2Stream, session: ServerHttp2Session, socket: Socket) {
    super();
    this.#stream = stream;
    this.#session = session;
    this.#socket = socket;
    stream.respond({ ":status": 200, "content-type": CONTENT_TYPE }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(this.#trailers));
    stream.on("data", (chunk: Buffer) => this.#read(chunk));
    stream.on("aborted", () => this.#dropped(`RST_STREAM ${stream.rstCode}`));
    stream.on("end", () => this.#ended());
    stream.on("error", () => {});
    session.on("goaway", (code) => this.#dropped(`GOAWAY ${code}`));
  }

  send(event: CloudEvent): void {
    this.#stream.write(grpcMessage(protobufBatchCodec.encode([event])));
  }

  sendGarbage(): void {
    this.#stream.write(grpcMessage(Buffer.from([0xff, 0xff, 0xff, 0xff])));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  pause(): void {
    this.#stream.pause();
  }

  /** Says that it closes; the status follows when the agent has ended its side. */
  close(code: number, reason: string): void {
    this.note("principal", `close event ${code} "${reason}"`);
    this.#close = { code, reason };
    this.send(encodeClose(this.#close, { id: "close", source: "/principal" }));
  }

  /** Ends the stream with a status, as a proxy does when it names no close code. */
  status(status: number, message: string, closeCode?: number): void {
    const code = closeCode === undefined ? "" : `, ${GRPC_CLOSE_CODE_TRAILER} ${closeCode}`;
    this.note("principal", `grpc-status ${status}${code} "${message}"`);
    this.#trailers = {
      "grpc-status": String(status),
      "grpc-message": encodeURIComponent(message),
      ...(closeCode === undefined ? {} : { [GRPC_CLOSE_CODE_TRAILER]: String(closeCode) }),
    };
    this.#stream.end();
  }

  reset(code: number): void {
    this.note("principal", `RST_STREAM ${code}`);
    this.#stream.close(code);
  }

  /** Says that the connection takes no more streams; those that are there go on. */
  retire(): void {
    this.note("principal", "GOAWAY 0, and goes on");
    this.#session.goaway(constants.NGHTTP2_NO_ERROR);
  }

  /** Says that the connection takes no more streams, and then ends it. */
  goAway(code: number): void {
    this.note("principal", `GOAWAY ${code}`);
    this.#session.goaway(code);
    this.#session.destroy(undefined, constants.NGHTTP2_NO_ERROR);
  }

  drop(how: "FIN" | "RST"): void {
    this.note("principal", how);
    if (how === "FIN") this.#socket.end();
    else this.#socket.resetAndDestroy();
  }

  /** Whoever ends its side is answered, if nothing was said here before. */
  #ended(): void {
    if (this.#stream.aborted) return;
    this.note("agent", "end of stream");
    if (this.#stream.writableEnded) return;
    if (this.#close === undefined) return this.status(0, this.#agentClose.reason, this.#agentClose.code);
    const statuses: Readonly<Record<number, number>> = GRPC_STATUS_BY_CLOSE_CODE;
    const { code, reason } = this.#close;
    this.status(statuses[code] ?? UNAVAILABLE, reason, code);
  }

  /** The rest of an HTTP/2 connection, where nothing was said before about its end. */
  #dropped(how: string): void {
    if (this.wire.length === 0) this.note("agent", how);
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    while (this.#buffer.length >= 5) {
      const end = 5 + this.#buffer.readUInt32BE(1);
      if (this.#buffer.length < end) return;
      const message = Uint8Array.from(this.#buffer.subarray(5, end));
      for (const event of protobufBatchCodec.decode(message)) this.#take(event);
      this.#buffer = this.#buffer.subarray(end);
    }
  }

  #take(event: CloudEvent): void {
    if (event.type !== CLOSE_EVENT_TYPE) return this.received(event);
    this.#agentClose = parseClose(event);
    const { code, reason } = this.#agentClose;
    this.note("agent", `close event ${code} "${reason}"`);
  }
}

export async function serveGrpc(): Promise<HandMadePrincipal> {
  const calls: ServedGrpc[] = [];
  const sockets = new Map<ServerHttp2Session, Socket>();
  const open = new Set<Socket>();
  const server = createServer();
  // HTTP/2 hands out its socket only behind a proxy that forbids what is needed here: the bare one comes before it.
  let connecting: Socket | undefined;
  server.prependListener("connection", (socket: Socket) => {
    connecting = socket;
    open.add(socket);
    socket.on("error", () => {});
  });
  server.on("session", (session) => {
    if (connecting !== undefined) sockets.set(session, connecting);
    session.on("error", () => {});
  });
  server.on("stream", (stream) => {
    const socket =
      stream.session === undefined ? undefined : sockets.get(stream.session as ServerHttp2Session);
    if (stream.session === undefined || socket === undefined)
      throw new Error("a stream without a connection");
    if (principal.answer === undefined) {
      calls.push(new ServedGrpc(stream, stream.session as ServerHttp2Session, socket));
      return;
    }
    const { status, headers = {} } = principal.answer;
    stream.on("error", () => {});
    const contentType = status === 200 ? { "content-type": CONTENT_TYPE } : {};
    stream.respond({ ":status": status, ...contentType, ...headers }, { endStream: true });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { address, port } = server.address() as AddressInfo;
  const principal: HandMadePrincipal = {
    host: address,
    port,
    calls,
    answer: undefined,
    get connections() {
      return open.size;
    },
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return principal;
}
