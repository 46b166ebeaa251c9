import type { Runtime } from "@hawser/runtime";
import type { Dialer, TlsOptions } from "@hawser/transport";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import type { Credentials } from "./credentials.js";
import { grpcTargetOf, isGrpc, isSecure } from "./principal-url.js";
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
  const dialer = isGrpc(settings.url)
    ? grpcDialer(settings, credentials, runtime)
    : webSocketDialer(settings, credentials, runtime);
  return {
    transport: dialer.transport,
    dial: (options) => dialer.dial({ timeoutMs: settings.dialTimeout, ...options }),
  };
}

function webSocketDialer(settings: DialerSettings, credentials: Credentials, runtime: Runtime): Dialer {
  const { url, format, pingInterval } = settings;
  const proxy = proxyOf(settings, process.env);
  return createWebSocketDialer({
    url,
    subprotocol: `cloudevents.${format}`,
    authorization: () => credentials.authorization(),
    headers: () => credentials.headers(),
    tls: () => credentials.tls(),
    runtime,
    keepAliveIntervalMs: pingInterval,
    ...(proxy === undefined ? {} : { proxy }),
  });
}

function grpcDialer(
  { url, pingInterval }: DialerSettings,
  credentials: Credentials,
  runtime: Runtime,
): Dialer {
  const make = (tls: TlsOptions | undefined): Dialer =>
    createGrpcDialer({
      target: grpcTargetOf(url),
      authorization: () => credentials.authorization(),
      runtime,
      keepAliveIntervalMs: pingInterval,
      ...(tls === undefined ? {} : { tls }),
    });
  return {
    transport: "grpc",
    dial: async (options) => make(isSecure(url) ? await credentials.tls() : undefined).dial(options),
  };
}
