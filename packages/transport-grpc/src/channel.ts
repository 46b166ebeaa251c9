import type { Socket } from "node:net";
import {
  Client,
  connectivityState,
  type ChannelOptions,
  type ClientDuplexStream,
  type Metadata,
} from "@grpc/grpc-js";
import type { Runtime } from "@hawser/runtime";
import {
  bytesSentBy,
  type Proxy,
  type StreamSettings,
  type TlsClient,
  type TlsOptions,
} from "@hawser/transport";
import { targetOf, type Destination } from "./destination.js";
import { connectMethod, FLOW_CONTROL_WINDOW_BYTES, OVERSIZE_MARGIN_BYTES } from "./service.js";
import { SocketCredentials } from "./socket-credentials.js";

/** A server that stops sends a GOAWAY too, and is gone before this has passed. */
const RETIRED_AFTER_MS = 100;

/** The longest a timer of grpc-js can wait. */
const NEVER_MS = 2_147_483_647;

export interface ChannelSettings {
  readonly to: Destination;
  readonly basePath: string;
  readonly proxy: Proxy | undefined;
  /** Keeps the session of one connection for the next. */
  readonly tlsClient: TlsClient;
  readonly stream: StreamSettings;
  readonly runtime: Runtime;
  /** On top of what this package sets. */
  readonly channelOptions: ChannelOptions;
}

/** The agent's end of a stream, as grpc-js has it. */
export type ClientCall = ClientDuplexStream<Buffer, Buffer>;

/** A channel of grpc-js for one stream, and the sockets that it has opened. */
export class Channel {
  readonly #client: Client;
  readonly #settings: ChannelSettings;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  constructor(settings: ChannelSettings, tls: TlsOptions | undefined) {
    this.#settings = settings;
    const { to, proxy, tlsClient } = settings;
    const credentials = new SocketCredentials({
      tls,
      tlsClient,
      tunnel: proxy === undefined || "path" in to ? undefined : { proxy, ...to },
      onSocket: (socket) => this.#watch(socket),
    });
    this.#client = new Client(targetOf(proxy ?? to), credentials, channelOptions(settings));
  }

  /** All that was ever read from the server. */
  bytesRead(): number {
    let bytes = 0;
    for (const socket of this.#sockets) bytes += socket.bytesRead;
    return bytes;
  }

  /** All that has left for the server. */
  bytesSent(): number | undefined {
    let bytes: number | undefined;
    for (const socket of this.#sockets) {
      const sent = bytesSentBy(socket);
      if (sent !== undefined) bytes = (bytes ?? 0) + sent;
    }
    return bytes;
  }

  /** Begins the stream; grpc-js connects for it. */
  call(metadata: Metadata): ClientCall {
    const { path, requestSerialize, responseDeserialize } = connectMethod(this.#settings.basePath);
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  }

  /** Runs `callback` once, when there is a connection that the server has spoken HTTP/2 on. */
  onReady(callback: () => void): void {
    this.#client.waitForReady(Infinity, (error) => {
      if (error === undefined) callback();
    });
  }

  /**
   * Runs `callback` when a GOAWAY has come, while the streams go on: the channel of grpc-js is ready
   * no longer, and its socket is there.
   */
  onRetired(callback: () => void): void {
    const look = (): void => {
      if (!this.#isCut && this.#sockets.size > 0) callback();
    };
    this.#client.getChannel().watchConnectivityState(connectivityState.READY, Infinity, (error) => {
      if (error === undefined) this.#settings.runtime.timers.after(RETIRED_AFTER_MS, look);
    });
  }

  /** Closes the connection now. */
  cut(): void {
    this.#isCut = true;
    this.#client.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Closes the connection once its stream is through, or after a while without that. */
  finish(): void {
    if (this.#isCut) return;
    const { stream, runtime } = this.#settings;
    this.#isCut = true;
    this.#client.close();
    const deadline = runtime.timers.after(stream.closeTimeoutMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    for (const socket of this.#sockets) socket.once("close", () => deadline.cancel());
  }

  #watch(socket: Socket): void {
    if (this.#isCut) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }
}

function channelOptions(settings: ChannelSettings): ChannelOptions {
  const { to, stream, channelOptions: more } = settings;
  return {
    "grpc.default_authority": "path" in to ? "localhost" : targetOf(to),
    // One rule says which proxy is taken, whatever the transport, and grpc-js has none of its own.
    "grpc.enable_http_proxy": 0,
    // One connection for each dial, which lives and dies with its stream.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.client_idle_timeout_ms": NEVER_MS,
    "grpc.service_config_disable_resolution": 1,
    // Nothing is sent twice behind the caller's back, and a write is done when it has left.
    "grpc.enable_retries": 0,
    "grpc.per_rpc_retry_buffer_size": 0,
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": stream.maxFrameBytes + OVERSIZE_MARGIN_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc-node.flow_control_window": FLOW_CONTROL_WINDOW_BYTES,
    // grpc-js sends the pings, as often as `KeepAlive` looks for a sign of life. What their answers mean
    // is for that one to say, which hears everything else as well.
    ...(stream.keepAliveIntervalMs === 0
      ? {}
      : {
          "grpc.keepalive_time_ms": Math.ceil(stream.keepAliveIntervalMs / 2),
          "grpc.keepalive_timeout_ms": NEVER_MS,
        }),
    ...more,
  };
}
