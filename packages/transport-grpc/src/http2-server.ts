import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { HawserError } from "@hawser/protocol";
import { connectMethod, MAX_UNTRUSTED_STREAMS, OVERSIZE_MARGIN_BYTES } from "./service.js";
import type { ServerCall } from "./server-call.js";

/** Bytes of header fields a request may have: room for a large bearer token. */
const MAX_HEADER_BYTES = 16_384;

export interface Http2ServerParts {
  readonly maxFrameBytes: number;
  readonly basePath: string;
  /** Called before `injectConnection` returns, for the socket it was given. */
  readonly onSession: (session: ServerHttp2Session) => void;
  /** A request. `serve` passes it to grpc-js, which calls `onCall` or answers before it returns. */
  readonly onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, serve: () => void) => void;
  /** A call of the one method. */
  readonly onCall: (call: ServerCall) => void;
}

/** A server of grpc-js that listens nowhere: it is given its sockets. */
export interface Http2ServerHandle {
  injectConnection(socket: Duplex): void;
  shutdown(): void;
}

/**
 * A server of grpc-js, and the `node:http2` server underneath.
 *
 * grpc-js hides the latter, which this package needs to know which socket a call came on, to bound
 * what HTTP/2 keeps for a client, and to filter the streams that grpc-js gets: its listener answers
 * streams of another method or content type even if they are gone, so a stream opened and reset in
 * one packet would throw where nothing can catch it (held by one-segment.alone.test.ts).
 *
 * @throws HawserError `internal` where grpc-js is built differently
 */
export function startHttp2Server({
  maxFrameBytes,
  basePath,
  onSession,
  onStream,
  onCall,
}: Http2ServerParts): Http2ServerHandle {
  const server = new Server({
    "grpc.max_receive_message_length": maxFrameBytes + OVERSIZE_MARGIN_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": MAX_UNTRUSTED_STREAMS,
    "grpc.enable_channelz": 0,
  });
  server.addService({ Connect: connectMethod(basePath) }, { Connect: onCall });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const { http2, listener } = underneath(server);
  http2.updateSettings({
    maxConcurrentStreams: MAX_UNTRUSTED_STREAMS,
    maxHeaderListSize: MAX_HEADER_BYTES,
  });
  http2.on("session", onSession);
  http2.removeListener("stream", listener);
  http2.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => {
    onStream(stream, headers, () => {
      Reflect.apply(listener, http2, [stream, headers, ...rest]);
    });
  });
  return {
    injectConnection: (socket) => injector.injectConnection(socket),
    shutdown: () => server.forceShutdown(),
  };
}

function underneath(server: Server): { http2: Http2Server; listener: (...args: unknown[]) => void } {
  const [http2, ...more] = server["http2Servers"].keys();
  const [listener] = http2?.listeners("stream") ?? [];
  if (
    http2 === undefined ||
    !("updateSettings" in http2) ||
    more.length > 0 ||
    typeof listener !== "function"
  )
    throw new HawserError("internal", "This version of @grpc/grpc-js is not known to this package.");
  return { http2: http2 as Http2Server, listener: listener as (...args: unknown[]) => void };
}
