import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Runtime } from "@hawser/runtime";
import type { Connection, StreamSettings } from "@hawser/transport";
import { ClientConnection } from "./client-connection.js";
import { authorityOf, targetOf, type Destination } from "./destination.js";
import { bytesReadFrom, keepAlive } from "./keep-alive.js";
import { CONNECT_PATH, CONTENT_TYPE } from "./service.js";
import { FLOW_CONTROL_WINDOW_BYTES } from "./flow-control.js";

/** PEM texts, as `node:tls` takes them. The server's certificate is always verified. */
export interface GrpcTlsOptions {
  /** Authorities to trust instead of the well-known ones. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** This agent's certificate, where the principal wants one. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name the server's certificate must have. @default the target's host */
  readonly servername?: string;
}

export interface ChannelSettings {
  readonly to: Destination;
  readonly tls: GrpcTlsOptions | undefined;
  readonly stream: StreamSettings;
  readonly runtime: Runtime;
}

/** The HTTP/2 connection of one stream. */
export class Channel {
  readonly #settings: ChannelSettings;
  readonly #socket: Socket;
  readonly #session: ClientHttp2Session;
  #error: Error | undefined;

  constructor(settings: ChannelSettings) {
    this.#settings = settings;
    this.#socket =
      settings.tls === undefined ? connectPlain(settings.to) : openTls(settings.to, settings.tls);
    this.#socket.setNoDelay(true);
    // Added before the session's own handler, so that the first error heard is the one that says why.
    this.#socket.on("error", (error) => {
      this.#error ??= error;
    });
    this.#session = connect(
      `${settings.tls === undefined ? "http" : "https"}://${authorityOf(settings.to)}`,
      {
        createConnection: () => this.#socket,
        settings: { initialWindowSize: FLOW_CONTROL_WINDOW_BYTES, enablePush: false },
      },
    );
    this.#session.once("connect", () => this.#session.setLocalWindowSize(FLOW_CONTROL_WINDOW_BYTES));
  }

  /** Opens the stream; `onFail` runs when it ends before it was taken over. */
  request(authorization: string | undefined, onFail: (error: unknown) => void): ClientHttp2Stream {
    this.#session.on("error", (error) => {
      this.#error ??= error;
      onFail(this.#error);
    });
    const stream = this.#session.request({
      ":method": "POST",
      ":path": CONNECT_PATH,
      "content-type": CONTENT_TYPE,
      "grpc-accept-encoding": "identity",
      te: "trailers",
      ...(authorization === undefined ? {} : { authorization }),
    });
    stream.on("error", (error) => {
      this.#error ??= error;
    });
    stream.once("close", () => onFail(this.#error ?? new Error("the stream was closed before it began")));
    return stream;
  }

  connection(stream: ClientHttp2Stream): Connection {
    const { stream: settings, runtime } = this.#settings;
    const connection = new ClientConnection({
      stream,
      peer: { address: targetOf(this.#settings.to) },
      settings,
      runtime,
      release: (how) => (how === "cut" ? this.cut() : this.#finish()),
    });
    keepAlive(this.#session, {
      intervalMs: settings.keepAliveIntervalMs,
      timers: runtime.timers,
      bytesRead: () => bytesReadFrom(this.#socket),
      onDead: (error) => {
        connection.terminate(error);
        this.cut();
      },
    });
    return connection;
  }

  cut(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }

  /** Closes once the stream is through, or after a while without it. */
  #finish(): void {
    const { stream: settings, runtime } = this.#settings;
    const deadline = runtime.timers.after(settings.closeTimeoutMs, () => this.cut());
    this.#socket.once("close", () => deadline.cancel());
    this.#session.close();
  }
}

function openTls(to: Destination, tls: GrpcTlsOptions): TLSSocket {
  const { ca, cert, key } = tls;
  const servername = tls.servername ?? ("host" in to && isIP(to.host) === 0 ? to.host : undefined);
  const socket = connectTls({
    ...to,
    ALPNProtocols: ["h2"],
    ...(ca === undefined ? {} : { ca: typeof ca === "string" || Buffer.isBuffer(ca) ? ca : [...ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
  });
  socket.once("secureConnect", () => {
    if (socket.alpnProtocol !== "h2") socket.destroy(new Error("the server does not offer HTTP/2 (ALPN h2)"));
  });
  return socket;
}
