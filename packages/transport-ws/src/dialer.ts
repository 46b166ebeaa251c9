import { HawserError } from "@hawser/protocol";
import { type Runtime, systemRuntime } from "@hawser/runtime";
import {
  type Connection,
  type Dialer,
  type DialOptions,
  resolveStreamOptions,
  type StreamOptions,
} from "@hawser/transport";
import { resolveDestination } from "./destination.js";
import { type DialSettings, dialWebSocket, type WebSocketTlsOptions } from "./dial-attempt.js";
import { framingOf, isSubprotocol, type Subprotocol } from "./subprotocol.js";

/** Whom to dial, and as whom. */
export interface WebSocketDialerOptions extends StreamOptions {
  /**
   * `ws://` or `wss://`, without credentials; a URL without a path gets `/v1/connect`. Or `ws+unix:/run/hawser/internal.sock`, a Unix domain socket of this
   * machine; another path than `/v1/connect` goes behind it after a colon.
   */
  readonly url: string;
  /** One, or several with the most wanted first: the server picks the first it speaks. */
  readonly subprotocol: Subprotocol | readonly Subprotocol[];
  /** The `authorization` header, such as `Bearer <token>`; asked anew for each dial, so that a renewed token is used at once. */
  readonly authorization?: () => string | undefined | Promise<string | undefined>;
  readonly tls?: WebSocketTlsOptions;
  /** @default systemRuntime() */
  readonly runtime?: Runtime;
}

/**
 * The agent's end of the CloudEvents WebSocket binding (PROTOCOL.md, WebSocket).
 *
 * @throws HawserError `invalid_config`
 */
export function createWebSocketDialer(options: WebSocketDialerOptions): Dialer {
  const subprotocols = resolveSubprotocols(options.subprotocol);
  const settings: DialSettings = {
    ...resolveDestination(options.url),
    subprotocols,
    authorization: options.authorization ?? (() => undefined),
    tls: options.tls ?? {},
    stream: resolveStreamOptions(options),
    runtime: options.runtime ?? systemRuntime(),
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
