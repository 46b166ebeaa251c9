import type { Runtime } from "@hawser/runtime";
import type { Dialer, TransportName } from "@hawser/transport";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import type { Credentials, TlsFiles } from "./credentials.js";
import { grpcTargetOf, isGrpc, isSecure } from "./principal-url.js";
import type { AgentSettings } from "./settings.js";

type DialerSettings = Pick<AgentSettings, "url" | "format" | "pingInterval" | "dialTimeout">;

/** The way to the principal that the URL names. Certificates are read again for each connection, so that renewed ones are used without a restart. */
export function createPrincipalDialer(
  { url, format, pingInterval, dialTimeout }: DialerSettings,
  credentials: Credentials,
  runtime: Runtime,
): Dialer {
  const authorization = (): Promise<string | undefined> => credentials.authorization();
  const secure = isSecure(url);
  const stream = { authorization, runtime, keepAliveIntervalMs: pingInterval };
  const make = (tls: TlsFiles): Dialer => {
    if (!isGrpc(url)) {
      return createWebSocketDialer({
        url,
        subprotocol: `cloudevents.${format}`,
        tls,
        ...stream,
      });
    }
    return createGrpcDialer({
      target: grpcTargetOf(url),
      ...stream,
      ...(secure ? { tls } : {}),
    });
  };
  const transport: TransportName = isGrpc(url) ? "grpc" : `ws-${format}`;
  return {
    transport,
    dial: async (options) =>
      make(secure ? await credentials.tls() : {}).dial({ timeoutMs: dialTimeout, ...options }),
  };
}
