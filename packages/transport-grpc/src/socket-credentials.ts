import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { CallCredentials, ChannelCredentials } from "@grpc/grpc-js";
import { HawserError } from "@hawser/protocol";
import { openTunnel, type Proxy, type TlsClient, type TlsOptions } from "@hawser/transport";

export interface SocketCredentialsOptions {
  /** Absent: plaintext. */
  readonly tls: TlsOptions | undefined;
  readonly tlsClient: TlsClient;
  /** The tunnel that a proxy has to open first, to whom grpc-js connects then. grpc-js could ask for it as well, but does not tell what the proxy answered. */
  readonly tunnel: { readonly proxy: Proxy; readonly host: string; readonly port: number } | undefined;
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
    const { tls, tlsClient, tunnel, onSocket } = this.#options;
    const credentials = CallCredentials.createEmpty();
    return {
      async connect(socket) {
        socket.on("error", () => {});
        onSocket(socket);
        const through =
          tunnel === undefined ? socket : await openTunnel(socket, tunnel.proxy, tunnel.host, tunnel.port);
        return tls === undefined
          ? { socket: through, secure: false }
          : { socket: await secured(through, tls, tlsClient), secure: true };
      },
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => credentials,
      destroy() {},
    };
  }
}

async function secured(under: Socket, tls: TlsOptions, client: TlsClient): Promise<TLSSocket> {
  const socket = await client.secure(under, tls).connected;
  if (socket.alpnProtocol === "h2") return socket;
  socket.destroy();
  throw new HawserError("connection_failed", "the server does not offer HTTP/2 (ALPN h2)");
}
