import { HawserError } from "@hawser/protocol";
import { guarded, MAX_TIMER_DELAY_MS } from "@hawser/runtime";
import type { ClientCertificate } from "@hawser/transport";
import { constants, X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";
import { readClientCertificate } from "./client-certificate.js";
import type { ApplicationProtocol } from "./read-protocol.js";
import { notAfterOf } from "./served-certificate.js";
import type { ListenerTls } from "./listener-options.js";

/** RFC 9325, section 4.2: forward secrecy and authenticated encryption, in TLS 1.2 as well. */
const CIPHER_SUITES = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
].join(":");

type Secured = (secured: TLSSocket, certificate: ClientCertificate | undefined) => void;

/** A socket whose handshake is under way. */
interface Waiting {
  readonly done: Secured;
  readonly failed: (error: Error) => void;
}

/**
 * The server's side of TLS on a socket that is admitted already. A `tls.Server` that never listens
 * does the work, because only it verifies client certificates.
 */
export class TlsEndpoint {
  readonly #server: Server;
  readonly #waiting = new Map<string, Waiting>();
  readonly #asksForCertificates: boolean;
  #own: X509Certificate;

  /**
   * @param alpn protocols to offer, most wanted first; a client that names only others is refused
   * @throws HawserError `invalid_config` when the certificate, the key or the authority is unusable
   */
  constructor(tls: ListenerTls, alpn: readonly ApplicationProtocol[], handshakeTimeoutMs: number) {
    this.#asksForCertificates = tls.clientCa !== undefined;
    checkAuthority(tls);
    this.#own = ownCertificate(tls);
    this.#server = usable(() =>
      createServer({
        ...contextOf(tls),
        ALPNProtocols: [...alpn],
        // The listener's own deadline comes first; this one replaces Node's two minutes.
        handshakeTimeout: Math.min(2 * handshakeTimeoutMs, MAX_TIMER_DELAY_MS),
        ...(this.#asksForCertificates ? { requestCert: true, rejectUnauthorized: true } : {}),
      }),
    );
    this.#server.on("secureConnection", (secured) => this.#secured(secured));
    this.#server.on("tlsClientError", (error, socket) =>
      this.#waiting.get(connectionKey(socket))?.failed(error),
    );
  }

  /**
   * New handshakes use these; open connections stay. Earlier sessions are not resumed, because the
   * keys of their tickets are replaced as well.
   *
   * @throws HawserError `invalid_config` when they are unusable, or would begin or cease to ask for
   *   client certificates; then nothing has changed
   */
  replace(tls: ListenerTls): void {
    if ((tls.clientCa !== undefined) !== this.#asksForCertificates)
      throw new HawserError(
        "invalid_config",
        "listen.tls: whether clients must show certificates cannot change while it listens",
      );
    checkAuthority(tls);
    const own = ownCertificate(tls);
    usable(() => this.#server.setSecureContext(contextOf(tls)));
    this.#own = own;
  }

  /** End of the served certificate, in Unix milliseconds. */
  get notAfter(): number {
    return notAfterOf(this.#own);
  }

  /**
   * Begins the handshake on an unread socket. Where it fails, the socket closes, and `failed` gets
   * the reason unless the client has reset the connection.
   */
  secure(raw: Socket, done: Secured, failed: (error: Error) => void): void {
    const key = connectionKey(raw);
    const waiting = { done, failed };
    this.#waiting.set(key, waiting);
    raw.once("close", () => {
      if (this.#waiting.get(key) === waiting) this.#waiting.delete(key);
    });
    this.#server.emit("connection", raw);
  }

  #secured(secured: TLSSocket): void {
    const key = connectionKey(secured);
    const done = this.#waiting.get(key)?.done;
    this.#waiting.delete(key);
    // A reset removes the addresses, and with them the key of the handshake.
    if (done === undefined) secured.destroy();
    else
      guarded(
        () => done(secured, this.#certificateOf(secured)),
        () => secured.destroy(),
      );
  }

  #certificateOf(secured: TLSSocket): ClientCertificate | undefined {
    const certificate = secured.authorized ? secured.getPeerX509Certificate() : undefined;
    return certificate && readClientCertificate(certificate, this.#own);
  }
}

/** Checks that a server could start with these. @throws HawserError `invalid_config` */
export function checkListenerTls(tls: ListenerTls): void {
  checkAuthority(tls);
  ownCertificate(tls);
  usable(() => createServer(contextOf(tls)));
}

function contextOf({ cert, key, clientCa }: ListenerTls): SecureContextOptions {
  return {
    cert,
    key,
    minVersion: "TLSv1.2",
    ciphers: CIPHER_SUITES,
    // RFC 9325, section 3.5: renegotiation only costs the server.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(clientCa === undefined ? {} : { ca: clientCa }),
  };
}

/** Node accepts any text as an authority and then trusts nobody: half a file would refuse a fleet. */
function checkAuthority({ clientCa }: ListenerTls): void {
  if (clientCa === undefined) return;
  const found = clientCa
    .toString("latin1")
    .match(/-----BEGIN CERTIFICATE-----[^]*?(?:-----END CERTIFICATE-----|$)/g);
  if (found === null)
    throw new HawserError(
      "invalid_config",
      "listen.tls: the authority of client certificates holds no certificate in PEM form",
    );
  for (const pem of found) usable(() => new X509Certificate(pem));
}

function ownCertificate({ cert }: ListenerTls): X509Certificate {
  return usable(() => new X509Certificate(cert));
}

function usable<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new HawserError("invalid_config", `listen.tls: a certificate or key is not usable: ${message}`, {
      cause,
    });
  }
}

/** Names a TCP connection: the TLS socket and the socket underneath share the four values. */
function connectionKey(socket: Socket): string {
  return `${socket.localAddress} ${socket.localPort} ${socket.remoteAddress} ${socket.remotePort}`;
}
