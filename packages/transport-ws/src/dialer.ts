import { HawserError } from "@hawser/protocol";
import { type Runtime, systemRuntime } from "@hawser/runtime";
import {
  type Connection,
  type Dialer,
  type DialOptions,
  resolveStreamOptions,
  type StreamOptions,
} from "@hawser/transport";
import { type DialSettings, dialWebSocket, type WebSocketTlsOptions } from "./dial-attempt.js";
import { DEFAULT_PATH } from "./stream-settings.js";
import { framingOf, isSubprotocol, type Subprotocol } from "./subprotocol.js";

/** Whom to dial, and as whom. */
export interface WebSocketDialerOptions extends StreamOptions {
  /** `ws://` or `wss://`, without credentials; a URL without a path gets `/v1/connect`. */
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
    url: resolveUrl(options.url),
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

function resolveUrl(text: string): URL {
  if (!URL.canParse(text)) throw new HawserError("invalid_config", `"${text}" is not a URL.`);
  const url = new URL(text);
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new HawserError(
      "invalid_config",
      `The URL must begin with ws:// or wss://, not ${url.protocol}//.`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new HawserError(
      "invalid_config",
      "The URL must not hold credentials; give them as `authorization`.",
    );
  }
  if (url.hash !== "") throw new HawserError("invalid_config", "The URL must not have a fragment (#).");
  if (url.pathname === "/") url.pathname = DEFAULT_PATH;
  return url;
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
