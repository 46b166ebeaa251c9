import type { Socket } from "node:net";
import {
  type Client,
  connectivityState,
  type ChannelOptions,
  type ClientDuplexStream,
  type Metadata,
} from "@grpc/grpc-js";
import type { Runtime } from "@hawser/runtime";
import { bytesSentBy, type OutboundOptions, type StreamSettings } from "@hawser/transport";
import { targetOf } from "./dial-url.js";
import { clientOver } from "./given-socket.js";
import { connectMethod, FLOW_CONTROL_WINDOW_BYTES, OVERSIZE_MARGIN_BYTES } from "./service.js";

/** A server that stops sends a GOAWAY too, and is gone before this has passed. */
const RETIRED_AFTER_MS = 100;

/** The longest a timer of grpc-js can wait. */
const NEVER_MS = 2_147_483_647;

export interface ChannelSettings {
  readonly to: OutboundOptions["to"];
  readonly basePath: string;
  readonly stream: StreamSettings;
  readonly runtime: Runtime;
  /** On top of what this package sets. */
  readonly channelOptions: ChannelOptions;
}

/** The agent's end of a stream, as grpc-js has it. */
export type ClientCall = ClientDuplexStream<Buffer, Buffer>;

/** A channel of grpc-js for one stream, and the socket that it lives on. */
export class Channel {
  readonly #client: Client;
  readonly #settings: ChannelSettings;
  readonly #socket: Socket;
  #isCut = false;

  /** @param secure the socket is TLS */
  constructor(settings: ChannelSettings, socket: Socket, secure: boolean) {
    this.#settings = settings;
    this.#socket = socket;
    this.#client = clientOver(socket, secure, channelOptions(settings));
  }

  /** All that was ever read from the server. */
  bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /** All that has left for the server. */
  bytesSent(): number | undefined {
    return bytesSentBy(this.#socket);
  }

  /** Begins the stream. */
  call(metadata: Metadata): ClientCall {
    const { path, requestSerialize, responseDeserialize } = connectMethod(this.#settings.basePath);
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  }

  /**
   * Runs `callback` once, when the server has spoken HTTP/2. The `waitForReady` of grpc-js would
   * wake a channel that is closed meanwhile, which then tries to connect without end.
   */
  onReady(callback: () => void): void {
    const channel = this.#client.getChannel();
    const look = (error?: Error): void => {
      if (error !== undefined || this.#isCut) return;
      const state = channel.getConnectivityState(false);
      if (state === connectivityState.READY) callback();
      else channel.watchConnectivityState(state, Infinity, look);
    };
    look();
  }

  /**
   * Runs `callback` when a GOAWAY has come while the streams continue: the channel of grpc-js is no
   * longer ready, and its socket is open.
   */
  onRetired(callback: () => void): void {
    const look = (): void => {
      if (!this.#isCut && !this.#socket.destroyed) callback();
    };
    this.#client.getChannel().watchConnectivityState(connectivityState.READY, Infinity, (error) => {
      if (error === undefined) this.#settings.runtime.timers.after(RETIRED_AFTER_MS, look);
    });
  }

  /** Closes the connection now. */
  cut(): void {
    this.#isCut = true;
    this.#client.close();
    this.#socket.destroy();
  }

  /** Closes the connection after its stream has ended, or after `closeTimeoutMs`. */
  finish(): void {
    if (this.#isCut) return;
    const { stream, runtime } = this.#settings;
    this.#isCut = true;
    this.#client.close();
    if (this.#socket.closed) return;
    const deadline = runtime.timers.after(stream.closeTimeoutMs, () => this.#socket.destroy());
    this.#socket.once("close", () => deadline.cancel());
  }
}

function channelOptions(settings: ChannelSettings): ChannelOptions {
  const { to, stream, channelOptions: more } = settings;
  return {
    "grpc.default_authority": "unixPath" in to ? "localhost" : targetOf(to),
    "grpc.client_idle_timeout_ms": NEVER_MS,
    "grpc.service_config_disable_resolution": 1,
    // Nothing is sent twice behind the caller's back, and a write is done when it has left.
    "grpc.enable_retries": 0,
    "grpc.per_rpc_retry_buffer_size": 0,
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": stream.maxFrameBytes + OVERSIZE_MARGIN_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc-node.flow_control_window": FLOW_CONTROL_WINDOW_BYTES,
    // grpc-js sends the pings, as often as `KeepAlive` checks for bytes; `KeepAlive` decides,
    // because it counts all bytes and not only the answers.
    ...(stream.keepAliveIntervalMs === 0
      ? {}
      : {
          "grpc.keepalive_time_ms": Math.ceil(stream.keepAliveIntervalMs / 2),
          "grpc.keepalive_timeout_ms": NEVER_MS,
        }),
    ...more,
  };
}
