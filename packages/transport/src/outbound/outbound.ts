import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { HawserError, thrownText } from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";
import { attemptOf, type Attempt } from "./attempt.js";
import { connectFirst } from "./connect-first.js";
import { proxyFor, type Proxy, type ProxySettings } from "./proxy.js";
import { TlsClient, type TlsOptions } from "./tls-client.js";
import { openTunnel } from "./tunnel.js";

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
 * Opens the sockets of one destination: directly or through a proxy, to the first address that
 * answers, with or without TLS. It remembers the address that answered and the TLS session, so that
 * the next handshake is shorter (RFC 8446, section 2.2).
 */
export class Outbound {
  readonly #options: OutboundOptions;
  readonly #tls: TlsClient;
  #goodAddress: string | undefined;

  constructor(options: OutboundOptions) {
    this.#options = options;
    const { to, alpn } = options;
    this.#tls = new TlsClient("host" in to ? to.host : "localhost", alpn);
  }

  /**
   * @param tls absent: plaintext
   * @throws HawserError `connection_failed` with what each step said; `aborted`; `invalid_config`
   */
  async open(tls: TlsOptions | undefined, signal?: AbortSignal): Promise<Socket> {
    const { to } = this.#options;
    const proxy = "unixPath" in to ? undefined : proxyFor(to.host, to.port, this.#options.proxy);
    const socket = await this.#reach(to, proxy, signal);
    try {
      const opened =
        proxy === undefined || "unixPath" in to ? socket : await this.#tunnel(socket, proxy, to, signal);
      return tls === undefined ? opened : await this.#settled(this.#tls.secure(opened, tls), signal);
    } catch (thrown) {
      // Node throws for an unusable certificate or name, and leaves the socket open.
      socket.destroy();
      throw thrown;
    }
  }

  /** The first hop. */
  async #reach(
    to: OutboundOptions["to"],
    proxy: Proxy | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Socket> {
    if ("unixPath" in to) return this.#settled(connectUnix(to.unixPath), signal);
    if (proxy === undefined) return this.#connect(to, signal);
    try {
      return await this.#connect(proxy, signal);
    } catch (cause) {
      if (!(cause instanceof HawserError) || cause.code !== "connection_failed") throw cause;
      const message = `the proxy ${proxy.name} cannot be reached: ${cause.message}`;
      throw new HawserError("connection_failed", message, { cause });
    }
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
    // A resolver cannot be cancelled, so an abort does not wait for it.
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
    const asking = { connected: openTunnel(socket, proxy, host, port), abandon: () => socket.destroy() };
    return this.#settled(asking, signal);
  }

  #settled<S>({ connected, abandon }: Attempt<S>, signal: AbortSignal | undefined): Promise<S> {
    return abandonable(connected, signal, abandon);
  }
}

async function systemAddresses(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (cause) {
    const message = thrownText(cause);
    throw new HawserError("connection_failed", message, { cause });
  }
}

function connectTo(host: string, port: number): Attempt<Socket> {
  return attemptOf(connect({ host, port, noDelay: true }), "connect");
}

function connectUnix(path: string): Attempt<Socket> {
  return attemptOf(connect({ path }), "connect");
}

/** Resolves as `work`, or rejects on the signal; a late result is abandoned. */
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
