import { isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { CallCredentials, ChannelCredentials } from "@grpc/grpc-js";
import type { Destination } from "./destination.js";

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

export interface SocketCredentialsOptions {
  readonly to: Destination;
  readonly tls: GrpcTlsOptions | undefined;
  /** A socket that grpc-js has connected, to the server or through a proxy. */
  readonly onSocket: (socket: Socket) => void;
}

type SecureConnector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/**
 * Where grpc-js gets its connections secured, which is where their sockets can be seen: a channel
 * neither tells what a socket has read nor cuts one whose peer is gone.
 */
export class SocketCredentials extends ChannelCredentials {
  readonly #options: SocketCredentialsOptions;

  constructor(options: SocketCredentialsOptions) {
    super();
    this.#options = options;
  }

  override _isSecure(): boolean {
    return this.#options.tls !== undefined;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(): SecureConnector {
    const { to, tls, onSocket } = this.#options;
    const credentials = CallCredentials.createEmpty();
    return {
      async connect(socket) {
        socket.on("error", () => {});
        onSocket(socket);
        return tls === undefined
          ? { socket, secure: false }
          : { socket: await secured(socket, to, tls), secure: true };
      },
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => credentials,
      destroy() {},
    };
  }
}

function secured(under: Socket, to: Destination, tls: GrpcTlsOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = openTls(under, to, tls);
    socket.on("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed during the TLS handshake")));
    socket.once("secureConnect", () => {
      if (socket.alpnProtocol === "h2") resolve(socket);
      else socket.destroy(new Error("the server does not offer HTTP/2 (ALPN h2)"));
    });
  });
}

function openTls(socket: Socket, to: Destination, { ca, cert, key, ...tls }: GrpcTlsOptions): TLSSocket {
  const host = "host" in to ? to.host : undefined;
  const servername = tls.servername ?? (host !== undefined && isIP(host) === 0 ? host : undefined);
  return connectTls({
    socket,
    ALPNProtocols: ["h2"],
    ...(host === undefined ? {} : { host }),
    ...(ca === undefined ? {} : { ca: typeof ca === "string" || Buffer.isBuffer(ca) ? ca : [...ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
  });
}
