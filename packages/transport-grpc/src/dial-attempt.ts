import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { Metadata } from "@grpc/grpc-js";
import { HawserError } from "@hawser/protocol";
import { guarded } from "@hawser/runtime";
import {
  type Connection,
  connectionFailed,
  type DialOptions,
  dialSocket,
  type ExtraHeaders,
  KeepAlive,
  type SocketDialSettings,
} from "@hawser/transport";
import { Channel, type ChannelSettings, type ClientCall } from "./channel.js";
import { ClientConnection } from "./client-connection.js";

export interface DialSettings extends SocketDialSettings, ChannelSettings {}

/**
 * One try to connect (`dialSocket`): begins a stream, and waits until the server has spoken HTTP/2.
 */
export function dialGrpc(settings: DialSettings, options: DialOptions): Promise<Connection> {
  let stream: BegunStream | undefined;
  return dialSocket(settings, options, {
    request: metadataOf,
    async open(socket, metadata) {
      checkOffersHttp2(settings, socket);
      const begun = beginStream(settings, socket, metadata);
      stream = begun;
      return await begun.connected;
    },
    cancel: (error) => stream?.connection.terminate(error),
  });
}

interface BegunStream {
  readonly connection: ClientConnection;
  /** Resolves when the server has spoken HTTP/2; rejects where the stream ends before. */
  readonly connected: Promise<Connection>;
}

function beginStream(settings: DialSettings, socket: Socket, metadata: Metadata): BegunStream {
  const { name, stream, runtime } = settings;
  const channel = new Channel(settings, socket, settings.tls !== undefined);
  const call = beginCall(channel, metadata);
  const keepAlive = new KeepAlive(stream.keepAliveIntervalMs, runtime.timers, {
    bytesRead: () => channel.bytesRead(),
    isPaused: () => false,
    ping: () => {},
    dead: (error) => connection.terminate(error),
  });
  const connection: ClientConnection = new ClientConnection({
    call,
    peer: { address: name },
    settings: stream,
    runtime,
    sentBytes: () => channel.bytesSent(),
    bytesRead: () => channel.bytesRead(),
    release: (how) => {
      keepAlive.stop();
      if (how === "finish") return channel.finish();
      // The socket first: a cancelled call ends its stream before it resets it, and half of that
      // looks like a clean end.
      channel.cut();
      call.cancel();
    },
  });
  const connected = new Promise<Connection>((resolve, reject) => {
    call.once("status", ({ details }) => reject(connectionFailed(name, whyNotBegun(settings, details))));
    // What is said now leaves at once: a proxy may keep the headers of a request back until the
    // client's first message, so who waits for an answer to them waits for ever.
    channel.onReady(() =>
      guarded(() => {
        keepAlive.start();
        channel.onRetired(() => connection.retired());
        resolve(connection);
      }, reject),
    );
  });
  return { connection, connected };
}

/** Leaves no channel where grpc-js throws, which nobody else would close. */
function beginCall(channel: Channel, metadata: Metadata): ClientCall {
  try {
    return channel.call(metadata);
  } catch (thrown) {
    channel.cut();
    throw thrown;
  }
}

/**
 * grpc-js tells of a connection that was closed, or that carried something else than HTTP/2, as of
 * one that was never made.
 */
function whyNotBegun({ tls }: DialSettings, details: string): string {
  if (!details.startsWith("No connection established")) return details;
  if (details.includes("Protocol error"))
    return "what answers does not speak HTTP/2 (gRPC); it may be another port, such as that of the HTTP API";
  const hint = tls === undefined ? "; if the port wants TLS, use grpcs://" : "";
  return `the connection was closed before gRPC could begin${hint}`;
}

function checkOffersHttp2({ name, tls }: DialSettings, socket: Socket): void {
  // The socket of a tunnel through a proxy may be TLS as far as the proxy alone.
  if (tls === undefined || !(socket instanceof TLSSocket) || socket.alpnProtocol === "h2") return;
  throw connectionFailed(name, "the server does not offer HTTP/2 (ALPN h2)");
}

function metadataOf(headers: ExtraHeaders): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) {
    try {
      metadata.set(name, value);
    } catch {
      // grpc-js would put the value into its message.
      throw new HawserError("connection_failed", `gRPC cannot carry the header ${JSON.stringify(name)}`);
    }
  }
  return metadata;
}
