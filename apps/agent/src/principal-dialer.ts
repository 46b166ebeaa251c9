import { defined, type Runtime } from "@hawser/runtime";
import type { Dialer } from "@hawser/transport";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import type { Credentials } from "./credentials.js";
import { isGrpc, isSecure } from "./principal-url.js";
import { proxyOf } from "./proxy-of.js";
import type { AgentSettings } from "./settings.js";

type DialerSettings = Pick<
  AgentSettings,
  "url" | "format" | "pingInterval" | "dialTimeout" | "proxy" | "noProxy"
>;

/**
 * The way to the principal that the URL names. Files are read again for each connection, so that
 * renewed ones are used without a restart.
 *
 * @throws HawserError `invalid_config` for a proxy that cannot be used
 */
export function createPrincipalDialer(
  settings: DialerSettings,
  credentials: Credentials,
  runtime: Runtime,
): Dialer {
  const { url, format, pingInterval } = settings;
  const proxy = proxyOf(settings, process.env);
  const common = {
    url,
    authorization: () => credentials.authorization(),
    headers: () => credentials.headers(),
    ...(isSecure(url) ? { tls: () => credentials.tls() } : {}),
    runtime,
    keepAliveIntervalMs: pingInterval,
    ...defined({ proxy }),
  };
  const dialer = isGrpc(url)
    ? createGrpcDialer(common)
    : createWebSocketDialer({ ...common, subprotocol: `cloudevents.${format}` });
  return {
    transport: dialer.transport,
    dial: (options) => dialer.dial({ timeoutMs: settings.dialTimeout, ...options }),
  };
}
