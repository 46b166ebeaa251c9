import { createHash } from "node:crypto";
import { isIP, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { HawserError, thrownText } from "@hawser/protocol";
import { attemptOf, type Attempt } from "./attempt.js";
import { checkServerIdentity } from "./server-identity.js";

/**
 * PEM texts, as `node:tls` takes them. The server's certificate is always verified, against the
 * host by its subject alternative names.
 */
export interface TlsOptions {
  /** Authorities to trust instead of the well-known ones. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** This side's certificate, where the server wants one. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name the server's certificate must have. @default the host */
  readonly servername?: string;
}

/**
 * The client's side of TLS with one server. It keeps the last session, so that the next handshake
 * is shorter (RFC 8446, section 2.2): a reconnecting fleet costs its principal less.
 */
export class TlsClient {
  readonly #host: string;
  readonly #alpn: "h2" | "http/1.1" | undefined;
  #session: { readonly of: string; readonly ticket: Buffer } | undefined;

  /** @param alpn the application protocol to ask for */
  constructor(host: string, alpn?: "h2" | "http/1.1") {
    this.#host = host;
    this.#alpn = alpn;
  }

  /** Begins the handshake; `connected` rejects with `connection_failed`. */
  secure(socket: Socket, tls: TlsOptions): Attempt<TLSSocket> {
    const { ca, cert, key, servername = this.#host } = tls;
    const of = digestOf(tls);
    const secured = connect({
      socket,
      rejectUnauthorized: true,
      checkServerIdentity,
      ...identityOf(servername),
      ...(this.#alpn === undefined ? {} : { ALPNProtocols: [this.#alpn] }),
      ...(ca === undefined ? {} : { ca: typeof ca === "string" || Buffer.isBuffer(ca) ? ca : [...ca] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(this.#session?.of === of ? { session: this.#session.ticket } : {}),
    });
    // TLS 1.3 sends tickets at any time after the handshake.
    secured.on("session", (ticket) => {
      this.#session = { of, ticket };
    });
    const { connected, abandon } = attemptOf(secured, "secureConnect");
    return { connected: this.#named(connected), abandon };
  }

  /** OpenSSL's message holds source positions and a line break; its `reason` is readable. */
  #reasonOf(cause: unknown): string {
    const said = cause instanceof Error && "reason" in cause ? cause.reason : undefined;
    if (typeof said !== "string") return thrownText(cause);
    if (NO_TLS.test(said))
      return `what answers does not speak TLS (${said}); it may be a port without TLS (ws://, grpc://, http://), or another service`;
    if (said.includes("no application protocol"))
      return `what answers does not offer ${this.#alpn ?? "what was asked for"} (${said}); it may be another port, such as that of the HTTP API`;
    return said;
  }

  async #named(connected: Promise<TLSSocket>): Promise<TLSSocket> {
    try {
      return await connected;
    } catch (cause) {
      const reason = this.#reasonOf(cause);
      throw new HawserError("connection_failed", `TLS with ${this.#host} failed: ${reason}`, { cause });
    }
  }
}

/** OpenSSL's reasons for an answer that is not TLS. */
const NO_TLS = /wrong version number|packet length too long|http request|record layer failure/i;

/** An address has no server name, and TLS forbids to send one (RFC 6066, section 3). */
function identityOf(host: string): { readonly host: string; readonly servername?: string } {
  return isIP(host) === 0 ? { host, servername: host } : { host };
}

/** A session is only resumed with the identity and the trust it was made with. */
function digestOf({ ca = [], cert = "", key = "", servername = "" }: TlsOptions): string {
  const hash = createHash("sha256");
  for (const part of [...[ca].flat(), cert, key, servername]) hash.update(part).update("\0");
  return hash.digest("hex");
}
