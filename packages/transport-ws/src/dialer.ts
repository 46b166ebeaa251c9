import { HawserError } from "@hawser/protocol";
import {
  type Connection,
  type Dialer,
  type DialOptions,
  resolveSocketDialer,
  type SocketDialerOptions,
} from "@hawser/transport";
import { resolveDestination, socketOf } from "./destination.js";
import { type DialSettings, dialWebSocket, isSecure } from "./dial-attempt.js";
import { framingOf, isSubprotocol, type Subprotocol } from "./subprotocol.js";

/** Whom to dial, and as whom. */
export interface WebSocketDialerOptions extends SocketDialerOptions {
  /**
   * `ws://` or `wss://`, without credentials; a path, such as that of a proxy, precedes
   * `/v1/connect` unless it ends in that. Or `ws+unix:/run/hawser/internal.sock`, a Unix domain
   * socket of this machine; another path than `/v1/connect` goes behind it after a colon.
   */
  readonly url: string;
  /** One, or several with the most wanted first: the server picks the first it speaks. */
  readonly subprotocol: Subprotocol | readonly Subprotocol[];
}

/**
 * The agent's end of the CloudEvents WebSocket binding (PROTOCOL.md, WebSocket).
 *
 * @throws HawserError `invalid_config`
 */
export function createWebSocketDialer(options: WebSocketDialerOptions): Dialer {
  const subprotocols = resolveSubprotocols(options.subprotocol);
  const destination = resolveDestination(options.url);
  const settings: DialSettings = {
    ...destination,
    subprotocols,
    ...resolveSocketDialer(options, {
      url: destination.name,
      name: destination.name,
      to: socketOf(destination),
      alpn: "http/1.1",
      secure: isSecure(destination),
      secureScheme: "wss://",
    }),
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
