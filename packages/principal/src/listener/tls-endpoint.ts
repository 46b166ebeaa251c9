import { HawserError } from "@hawser/protocol";
import { MAX_TIMER_DELAY_MS } from "@hawser/runtime";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { ApplicationProtocol } from "./http2-preface.js";
import type { ListenerTls } from "./listener-options.js";

/**
 * The server's side of TLS, begun on a socket that is there already: whether a handshake is worth its price is decided elsewhere, before.
 *
 * A `tls.Server` that never listens does the work, because only it verifies client certificates.
 */
export class TlsEndpoint {
  readonly #server: Server;
  readonly #waiting = new Map<string, (secured: TLSSocket) => void>();

  /**
   * @param alpn protocols to offer, most wanted first; a client that names only others is refused in the handshake
   * @param failed called for each handshake that fails; the socket is closed by then
   * @throws HawserError `invalid_config` when the certificate, the key or the authority is not usable
   */
  constructor(
    tls: ListenerTls,
    alpn: readonly ApplicationProtocol[],
    handshakeTimeoutMs: number,
    failed: (error: Error) => void,
  ) {
    this.#server = createTlsServer(tls, alpn, handshakeTimeoutMs);
    this.#server.on("secureConnection", (secured) => this.#secured(secured));
    this.#server.on("tlsClientError", failed);
  }

  /** Begins the handshake on a socket of which nothing has been read. `done` is not called when it fails; the socket closes then. */
  secure(raw: Socket, done: (secured: TLSSocket) => void): void {
    const key = connectionKey(raw);
    this.#waiting.set(key, done);
    raw.once("close", () => {
      if (this.#waiting.get(key) === done) this.#waiting.delete(key);
    });
    this.#server.emit("connection", raw);
  }

  #secured(secured: TLSSocket): void {
    const key = connectionKey(secured);
    const done = this.#waiting.get(key);
    this.#waiting.delete(key);
    // A reset takes the addresses away, and with them what this socket belongs to.
    if (done === undefined) secured.destroy();
    else done(secured);
  }
}

function createTlsServer(
  tls: ListenerTls,
  alpn: readonly ApplicationProtocol[],
  handshakeTimeoutMs: number,
): Server {
  try {
    return createServer({
      cert: tls.cert,
      key: tls.key,
      minVersion: "TLSv1.2",
      ALPNProtocols: [...alpn],
      // The listener's own deadline comes first; this one only keeps Node's default of two minutes from outliving it.
      handshakeTimeout: Math.min(2 * handshakeTimeoutMs, MAX_TIMER_DELAY_MS),
      ...(tls.clientCa === undefined
        ? {}
        : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
    });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new HawserError("invalid_config", `listen.tls: the certificate or key is not usable: ${message}`, {
      cause,
    });
  }
}

/** The four numbers that name a TCP connection: what a TLS socket and the socket under it have in common. */
function connectionKey(socket: Socket): string {
  return `${socket.localAddress} ${socket.localPort} ${socket.remoteAddress} ${socket.remotePort}`;
}

/** Common name of a verified client certificate; undefined without one, or when it has several. */
export function certificateName(secured: TLSSocket): string | undefined {
  if (!secured.authorized) return undefined;
  // Empty when the client showed none, whatever the types say.
  const { subject } = secured.getPeerCertificate() as Partial<ReturnType<TLSSocket["getPeerCertificate"]>>;
  const name: unknown = subject?.CN;
  return typeof name === "string" && name !== "" ? name : undefined;
}
