import { HawserError } from "@hawser/protocol";
import type { ListenerOptions, ListenerTls } from "./listener-options.js";

/** Loopback, because a port without credentials must not be reachable by accident. */
export const DEFAULT_LISTEN_HOST = "127.0.0.1";
/** Long enough for TLS over a bad line, short enough that silence costs little. In milliseconds. */
export const DEFAULT_HELLO_TIMEOUT_MS = 10_000;
/** Twice the handshakes a core finishes in a second over TLS. */
export const DEFAULT_MAX_UNDECIDED = 1024;

export interface ListenerSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: ListenerTls | undefined;
  readonly helloTimeoutMs: number;
  readonly maxUndecided: number;
}

/** Fills in the defaults. @throws HawserError `invalid_config` naming the option */
export function resolveListenerOptions(options: ListenerOptions): ListenerSettings {
  const settings: ListenerSettings = {
    host: options.host ?? DEFAULT_LISTEN_HOST,
    port: options.port,
    tls: options.tls,
    helloTimeoutMs: options.helloTimeoutMs ?? DEFAULT_HELLO_TIMEOUT_MS,
    maxUndecided: options.maxUndecided ?? DEFAULT_MAX_UNDECIDED,
  };
  checkListenHost("listen.host", settings.host);
  checkListenPort("listen.port", settings.port);
  if (!(settings.helloTimeoutMs > 0)) {
    throw new HawserError("invalid_config", "listen.helloTimeoutMs must be above 0");
  }
  if (!Number.isInteger(settings.maxUndecided) || settings.maxUndecided < 1) {
    throw new HawserError("invalid_config", "listen.maxUndecided must be a whole number of 1 or more");
  }
  return settings;
}

export function checkListenHost(option: string, host: string): void {
  if (host !== "") return;
  throw new HawserError(
    "invalid_config",
    `${option} must not be empty; "0.0.0.0" or "::" means every address`,
  );
}

export function checkListenPort(option: string, port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw new HawserError(
    "invalid_config",
    `${option} must be 0 to 65535, where 0 lets the system choose, not ${port}`,
  );
}
