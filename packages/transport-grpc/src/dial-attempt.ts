import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { Metadata } from "@grpc/grpc-js";
import { HawserError, thrownText } from "@hawser/protocol";
import { guarded } from "@hawser/runtime";
import {
  DEFAULT_DIAL_TIMEOUT_MS,
  KeepAlive,
  type Connection,
  type DialOptions,
  type ExtraHeaders,
  type Outbound,
  type TlsOptions,
} from "@hawser/transport";
import { Channel, type ChannelSettings, type ClientCall } from "./channel.js";
import { ClientConnection } from "./client-connection.js";
import { targetOf } from "./destination.js";

export interface DialSettings extends ChannelSettings {
  /** The metadata of the stream, checked. */
  readonly headers: () => Promise<ExtraHeaders>;
  /** Absent: plaintext. */
  readonly tls: (() => TlsOptions | Promise<TlsOptions>) | undefined;
  readonly outbound: Outbound;
}

/** One try to connect: settles once, and leaves nothing open when it fails. */
export function dialGrpc(settings: DialSettings, options: DialOptions): Promise<Connection> {
  const { signal, timeoutMs = DEFAULT_DIAL_TIMEOUT_MS } = options;
  const target = targetOf(settings.to);
  return new Promise((resolve, reject) => {
    const giveUp = new AbortController();
    let stream: BegunStream | undefined;
    let isSettled = false;

    const settle = (): boolean => {
      if (isSettled) return false;
      isSettled = true;
      deadline.cancel();
      signal?.removeEventListener("abort", onAbort);
      return true;
    };
    const fail = (error: HawserError): void => {
      if (!settle()) return;
      giveUp.abort();
      stream?.connection.terminate(error);
      reject(error);
    };
    const onAbort = (): void => {
      fail(new HawserError("aborted", `Dialling ${target} was given up.`, { cause: signal?.reason }));
    };
    const deadline = settings.runtime.timers.after(timeoutMs, () =>
      fail(new HawserError("timeout", `${target} did not answer within ${timeoutMs} ms.`)),
    );

    const begin = (prepared: Prepared): void => {
      if (isSettled) return void prepared.socket.destroy();
      const begun = beginStream(settings, prepared, (why) => fail(connectionFailed(settings, why)));
      stream = begun;
      // What is said now leaves at once: a proxy may keep the headers of a request back until the
      // client's first message, so who waits for an answer to them waits for ever.
      begun.channel.onReady(() => {
        if (isSettled) return;
        // In an event of grpc-js, for which nobody catches.
        guarded(
          () => {
            begun.connected();
            if (settle()) resolve(begun.connection);
          },
          (thrown) => fail(connectionFailed(settings, thrown)),
        );
      });
    };

    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener("abort", onAbort);
    prepare(settings, giveUp.signal)
      .then(begin)
      .catch((error: unknown) => fail(connectionFailed(settings, error)));
  });
}

interface BegunStream {
  readonly channel: Channel;
  readonly connection: ClientConnection;
  connected(): void;
}

/** @param onFail the stream has ended; no news once it is connected */
function beginStream(settings: DialSettings, prepared: Prepared, onFail: (why: string) => void): BegunStream {
  const { stream, runtime } = settings;
  const { channel, call } = openChannel(settings, prepared);
  const keepAlive = new KeepAlive(stream.keepAliveIntervalMs, runtime.timers, {
    bytesRead: () => channel.bytesRead(),
    isPaused: () => false,
    ping: () => {},
    dead: (error) => connection.terminate(error),
  });
  const connection: ClientConnection = new ClientConnection({
    call,
    peer: { address: targetOf(settings.to) },
    settings: stream,
    runtime,
    sentBytes: () => channel.bytesSent(),
    bytesRead: () => channel.bytesRead(),
    release: (how) => {
      keepAlive.stop();
      if (how === "finish") return channel.finish();
      // The socket first: a cancelled call ends its stream before it resets it, and half of that looks
      // like a clean end.
      channel.cut();
      call.cancel();
    },
  });
  call.once("status", ({ details }) => onFail(whyNotBegun(settings, details)));
  return {
    channel,
    connection,
    connected() {
      keepAlive.start();
      channel.onRetired(() => connection.retired());
    },
  };
}

/** grpc-js tells of a connection that was closed, or that carried something else than HTTP/2, as of one that was never made. */
function whyNotBegun({ tls }: DialSettings, details: string): string {
  if (!details.startsWith("No connection established")) return details;
  if (details.includes("Protocol error"))
    return "what answers does not speak HTTP/2 (gRPC); it may be another port, such as that of the HTTP API";
  const hint = tls === undefined ? "; if the port wants TLS, use grpcs://" : "";
  return `the connection was closed before gRPC could begin${hint}`;
}

/** Closes the socket where grpc-js throws, which nobody else would. */
function openChannel(
  settings: DialSettings,
  { socket, metadata }: Prepared,
): { readonly channel: Channel; readonly call: ClientCall } {
  let channel: Channel | undefined;
  try {
    channel = new Channel(settings, socket, settings.tls !== undefined);
    return { channel, call: channel.call(metadata) };
  } catch (thrown) {
    channel?.cut();
    socket.destroy();
    throw thrown;
  }
}

/** What has to be there before a stream can be asked for. */
interface Prepared {
  readonly metadata: Metadata;
  readonly socket: Socket;
}

async function prepare({ headers, tls, outbound }: DialSettings, signal: AbortSignal): Promise<Prepared> {
  const [shown, options] = await Promise.all([headers(), tls?.()]);
  const metadata = metadataOf(shown);
  const socket = await outbound.open(options, signal);
  if (!(socket instanceof TLSSocket) || options === undefined || socket.alpnProtocol === "h2")
    return { metadata, socket };
  socket.destroy();
  throw new HawserError("connection_failed", "the server does not offer HTTP/2 (ALPN h2)");
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

function connectionFailed({ to }: DialSettings, thrown: unknown): HawserError {
  // The settings are wrong, and no waiting mends that.
  if (thrown instanceof HawserError && thrown.code === "invalid_config") return thrown;
  const what = thrownText(thrown);
  return new HawserError("connection_failed", `Could not connect to ${targetOf(to)}: ${what}`, {
    cause: thrown,
  });
}
