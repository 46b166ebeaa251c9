import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { HawserError } from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";
import { connectFirst, type Attempt } from "./connect-first.js";
import { proxyFor, type Proxy, type ProxySettings } from "./proxy.js";
import { openTunnel } from "./tunnel.js";

/** PEM texts, as `node:tls` takes them. The server's certificate is always verified. */
export interface TlsOptions {
  /** Authorities to trust instead of the well-known ones. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** This side's certificate, where the server wants one. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name the server's certificate must have. @default the host */
  readonly servername?: string;
}

/** Where sockets are opened to, and by which way. */
export interface OutboundOptions {
  readonly to: { readonly host: string; readonly port: number } | { readonly unixPath: string };
  /** The application protocol that TLS asks for (ALPN). */
  readonly alpn: "h2" | "http/1.1";
  readonly proxy?: ProxySettings | undefined;
  readonly timers: Timers;
  /** The addresses of a name, in the order to try them in. @default the system's resolver */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/**
 * Opens the sockets of one destination: through a proxy or not, to the first of several addresses
 * that answers, with TLS or without. It remembers between two of them which address was good, and
 * the TLS session, so that the next handshake is shorter (RFC 8446, section 2.2).
 */
export class Outbound {
  readonly #options: OutboundOptions;
  #goodAddress: string | undefined;
  #session: { readonly of: string; readonly ticket: Buffer } | undefined;

  constructor(options: OutboundOptions) {
    this.#options = options;
  }

  /**
   * @param tls absent: plaintext
   * @throws HawserError `connection_failed` with what each step said; `aborted`; `invalid_config`
   */
  async open(tls: TlsOptions | undefined, signal?: AbortSignal): Promise<Socket> {
    const { to } = this.#options;
    if ("unixPath" in to) return this.#settled(connectUnix(to.unixPath), signal);
    const proxy = proxyFor(to.host, to.port, this.#options.proxy);
    const socket = await this.#connect(proxy ?? to, signal);
    const opened = proxy === undefined ? socket : await this.#tunnel(socket, proxy, to, signal);
    return tls === undefined ? opened : this.#secure(opened, tls, to.host, signal);
  }

  async #connect({ host, port }: { host: string; port: number }, signal?: AbortSignal): Promise<Socket> {
    const addresses = isIP(host) === 0 ? await this.#addressesOf(host, signal) : [host];
    const { socket, address } = await connectFirst(addresses, (each) => connectTo(each, port), {
      timers: this.#options.timers,
      signal,
    });
    this.#goodAddress = address;
    return socket;
  }

  async #addressesOf(host: string, signal: AbortSignal | undefined): Promise<readonly string[]> {
    const { resolve = systemAddresses } = this.#options;
    // A resolver cannot be cancelled; whoever gives up does not wait for it.
    const found = await abandonable(resolve(host), signal);
    const good = this.#goodAddress;
    return good !== undefined && found.includes(good)
      ? [good, ...found.filter((each) => each !== good)]
      : found;
  }

  async #tunnel(
    socket: Socket,
    proxy: Proxy,
    { host, port }: { readonly host: string; readonly port: number },
    signal: AbortSignal | undefined,
  ): Promise<Socket> {
    const toProxy = proxy.secure
      ? await this.#settled(handshake({ socket, ...identityOf(proxy.host) }, proxy.name), signal)
      : socket;
    const asking = { connected: openTunnel(toProxy, proxy, host, port), abandon: () => toProxy.destroy() };
    return this.#settled(asking, signal);
  }

  async #secure(
    socket: Socket,
    tls: TlsOptions,
    host: string,
    signal: AbortSignal | undefined,
  ): Promise<TLSSocket> {
    const { ca, cert, key, servername } = tls;
    const of = digestOf(tls);
    const known = this.#session?.of === of ? { session: this.#session.ticket } : {};
    const options = {
      socket,
      ...identityOf(servername ?? host),
      ALPNProtocols: [this.#options.alpn],
      ...(ca === undefined ? {} : { ca: typeof ca === "string" || Buffer.isBuffer(ca) ? ca : [...ca] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...known,
    };
    // TLS 1.3 sends tickets at any time after the handshake.
    const keep = (ticket: Buffer): void => {
      this.#session = { of, ticket };
    };
    return this.#settled(handshake(options, host, keep), signal);
  }

  #settled<S>({ connected, abandon }: Attempt<S>, signal: AbortSignal | undefined): Promise<S> {
    return abandonable(connected, signal, abandon);
  }
}

async function systemAddresses(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new HawserError("connection_failed", message, { cause });
  }
}

function connectTo(host: string, port: number): Attempt<Socket> {
  return attemptOf(connect({ host, port, noDelay: true }), "connect");
}

function connectUnix(path: string): Attempt<Socket> {
  return attemptOf(connect({ path }), "connect");
}

function handshake(
  options: ConnectionOptions,
  name: string,
  onSession: (ticket: Buffer) => void = () => {},
): Attempt<TLSSocket> {
  const secured = connectTls({ ...options, rejectUnauthorized: true });
  secured.on("session", onSession);
  const attempt = attemptOf(secured, "secureConnect");
  const connected = attempt.connected.catch((cause: unknown) => {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new HawserError("connection_failed", `TLS with ${name} failed: ${message}`, { cause });
  });
  return { connected, abandon: attempt.abandon };
}

function attemptOf<S extends Socket>(socket: S, event: "connect" | "secureConnect"): Attempt<S> {
  const connected = new Promise<S>((resolve, reject) => {
    // Stays: between two steps nobody else listens, and an error without a listener ends the process.
    socket.on("error", reject);
    socket.once("close", () => reject(new Error("the other end closed the connection")));
    socket.once(event, () => resolve(socket));
  });
  return { connected, abandon: () => void socket.destroy() };
}

/** An address has no server name, and TLS forbids to send one (RFC 6066, section 3). */
function identityOf(host: string): { readonly host: string; readonly servername?: string } {
  return isIP(host) === 0 ? { host, servername: host } : { host };
}

/** A session is only taken up with the identity and the trust it was made with. */
function digestOf({ ca = [], cert = "", key = "", servername = "" }: TlsOptions): string {
  const hash = createHash("sha256");
  for (const part of [...[ca].flat(), cert, key, servername]) hash.update(part).update("\0");
  return hash.digest("hex");
}

/** What it resolves to, unless the signal comes first; what comes too late is abandoned. */
function abandonable<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  abandon: () => void = () => {},
): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      abandon();
      reject(new HawserError("aborted", "Connecting was given up.", { cause: signal.reason }));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
