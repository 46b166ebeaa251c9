import { Agent } from "node:http";
import type { Duplex } from "node:stream";
import { systemTimers } from "@hawser/runtime";
import { DEFAULT_DIAL_TIMEOUT_MS, Outbound, proxyFor, type ProxySettings } from "@hawser/transport";

/** Requests to one server through a proxy that opens tunnels. A tunnel is kept for the next request. */
class ProxiedAgent extends Agent {
  readonly #outbound: Outbound;
  readonly #tls: { readonly ca?: string } | undefined;

  constructor(host: string, port: number, tls: { readonly ca?: string } | undefined, proxy: ProxySettings) {
    super({ keepAlive: true });
    this.#outbound = new Outbound({ to: { host, port }, alpn: "http/1.1", timers: systemTimers, proxy });
    this.#tls = tls;
  }

  // What Node asks for when a request needs a connection; the answer may come later.
  override createConnection(
    _options: unknown,
    callback: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    // As Node calls it itself; only its declaration wants a socket with an error.
    const given = callback as (error: Error | null, socket?: Duplex) => void;
    this.#outbound.open(this.#tls, AbortSignal.timeout(DEFAULT_DIAL_TIMEOUT_MS)).then(
      (socket) => given(null, socket),
      (thrown: unknown) => given(thrown instanceof Error ? thrown : new Error(String(thrown))),
    );
  }
}

/** How requests get to a server. */
export interface Route {
  /** Speaks TLS itself where the server does, so the request above is always a plain one. */
  readonly agent: Agent;
  /** For people: the proxy, without user and password. */
  readonly proxy: string;
}

/**
 * The way to a server through a proxy; undefined where it is reached directly, as loopback always is.
 *
 * @throws HawserError `invalid_config` for a proxy that is none
 */
export function routeTo(
  url: string,
  ca: string | undefined,
  settings: ProxySettings | undefined,
): Route | undefined {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === "https:";
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const target = port === "" ? (secure ? 443 : 80) : Number(port);
  const proxy = proxyFor(host, target, settings);
  if (proxy === undefined || settings === undefined) return undefined;
  const tls = secure ? (ca === undefined ? {} : { ca }) : undefined;
  const agent = Object.assign(new ProxiedAgent(host, target, tls, settings), {
    protocol,
    defaultPort: secure ? 443 : 80,
  });
  return { agent, proxy: proxy.name };
}
