import type { Runtime } from "@hawser/runtime";
import type { Dialer, TransportName } from "@hawser/transport";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { isSecure } from "./check-settings.js";
import type { Credentials, TlsFiles } from "./credentials.js";
import type { AgentSettings } from "./settings.js";

/** The way to the principal that the URL names. Certificates are read again for each connection, so that renewed ones are used without a restart. */
export function createPrincipalDialer(
  { url, format }: Pick<AgentSettings, "url" | "format">,
  credentials: Credentials,
  runtime: Runtime,
): Dialer {
  const authorization = (): Promise<string | undefined> => credentials.authorization();
  const secure = isSecure(url);
  const make = (tls: TlsFiles): Dialer => {
    if (!/^grpcs?:/i.test(url)) {
      return createWebSocketDialer({
        url,
        subprotocol: `cloudevents.${format}`,
        authorization,
        tls,
        runtime,
      });
    }
    const target = new URL(url).host;
    return createGrpcDialer({ target, authorization, runtime, ...(secure ? { tls } : {}) });
  };
  const transport: TransportName = /^grpcs?:/i.test(url) ? "grpc" : `ws-${format}`;
  return {
    transport,
    dial: async (options) => make(secure ? await credentials.tls() : {}).dial(options),
  };
}
