import type { Dialer } from "@hawser/transport";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import type { TransportName } from "./child-commands.js";

/** Connects by one of the transports to a principal on loopback. */
export function dialerFor(transport: TransportName, port: number): Dialer {
  switch (transport) {
    case "ws-json":
      return createWebSocketDialer({ url: `ws://127.0.0.1:${port}`, subprotocol: "cloudevents.json" });
    case "ws-proto":
      return createWebSocketDialer({ url: `ws://127.0.0.1:${port}`, subprotocol: "cloudevents.proto" });
    case "grpc":
      return createGrpcDialer({ target: `127.0.0.1:${port}` });
  }
}
