import type { Dialer } from "@hawser/transport";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import type { TransportName } from "./child-commands.js";
import { CLIENT_TLS } from "./tls-files.js";

/** Connects by one of the transports to a principal on loopback; secure, it trusts the certificate of benches. */
export function dialerFor(transport: TransportName, port: number, secure = false): Dialer {
  const url = `${secure ? "wss" : "ws"}://127.0.0.1:${port}`;
  const tls = secure ? { tls: CLIENT_TLS } : {};
  switch (transport) {
    case "ws-json":
      return createWebSocketDialer({ url, subprotocol: "cloudevents.json", ...tls });
    case "ws-proto":
      return createWebSocketDialer({ url, subprotocol: "cloudevents.proto", ...tls });
    case "grpc":
      return createGrpcDialer({ url: `${secure ? "grpcs" : "grpc"}://127.0.0.1:${port}`, ...tls });
  }
}
