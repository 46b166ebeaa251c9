import { HawserError } from "@hawser/protocol";
import { type Runtime, systemRuntime } from "@hawser/runtime";
import {
  type Connection,
  type Dialer,
  type DialOptions,
  type ExtraHeaders,
  Outbound,
  proxyFor,
  type ProxySettings,
  requestHeaders,
  resolveStreamOptions,
  type StreamOptions,
  type TlsOptions,
} from "@hawser/transport";
import { resolveDestination, socketOf } from "./destination.js";
import { type DialSettings, dialWebSocket } from "./dial-attempt.js";
import { framingOf, isSubprotocol, type Subprotocol } from "./subprotocol.js";

/** Whom to dial, and as whom. */
export interface WebSocketDialerOptions extends StreamOptions {
  /**
   * `ws://` or `wss://`, without credentials; a path, such as that of a proxy, precedes `/v1/connect` unless it ends in that. Or `ws+unix:/run/hawser/internal.sock`, a Unix domain socket of this
   * machine; another path than `/v1/connect` goes behind it after a colon.
   */
  readonly url: string;
  /** One, or several with the most wanted first: the server picks the first it speaks. */
  readonly subprotocol: Subprotocol | readonly Subprotocol[];
  /** The `authorization` header, such as `Bearer <token>`; asked anew for each dial, so that a renewed token is used at once. */
  readonly authorization?: () => string | undefined | Promise<string | undefined>;
  /**
   * Further headers of the upgrade request, for gateways in front that want some; asked anew for
   * each dial. @default none
   */
  readonly headers?: () => ExtraHeaders | Promise<ExtraHeaders>;
  /** For `wss://` alone; a function is asked anew for each dial, so that a renewed certificate is used at once. */
  readonly tls?: TlsOptions | (() => TlsOptions | Promise<TlsOptions>);
  /** The way out of this network, for `ws://` and `wss://`. @default none: the environment is not looked at */
  readonly proxy?: ProxySettings;
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
}

/**
 * The agent's end of the CloudEvents WebSocket binding (PROTOCOL.md, WebSocket).
 *
 * @throws HawserError `invalid_config`
 */
export function createWebSocketDialer(options: WebSocketDialerOptions): Dialer {
  const { tls = {}, headers, authorization, runtime = systemRuntime(), proxy } = options;
  const subprotocols = resolveSubprotocols(options.subprotocol);
  const destination = resolveDestination(options.url);
  if (options.tls !== undefined && destination.url.protocol !== "wss:")
    throw new HawserError(
      "invalid_config",
      `tls is given, and ${destination.name} speaks none; begin it with wss://.`,
    );
  const to = socketOf(destination);
  // A proxy that cannot be used is told now, and not at each dial.
  if ("host" in to) proxyFor(to.host, to.port, proxy);
  const settings: DialSettings = {
    ...destination,
    subprotocols,
    headers: () => requestHeaders(headers, authorization),
    tls: typeof tls === "function" ? tls : () => tls,
    outbound: new Outbound({ to, alpn: "http/1.1", proxy, timers: runtime.timers }),
    stream: resolveStreamOptions(options),
    runtime,
  };
  return {
    transport: framingOf(subprotocols[0]).transport,
    dial: (dialOptions: DialOptions = {}): Promise<Connection> => dialWebSocket(settings, dialOptions),
  };
}

function resolveSubprotocols(wanted: Subprotocol | readonly Subprotocol[]): [Subprotocol, ...Subprotocol[]] {
  const [first, ...rest] = new Set(typeof wanted === "string" ? [wanted] : wanted);
  if (first === undefined) throw new HawserError("invalid_config", "At least one subprotocol is needed.");
  for (const name of [first, ...rest]) {
    if (!isSubprotocol(name))
      throw new HawserError("invalid_config", `Unknown subprotocol "${String(name)}".`);
  }
  return [first, ...rest];
}
