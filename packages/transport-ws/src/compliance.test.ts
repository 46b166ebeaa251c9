import { once } from "node:events";
import { jsonCodec, LIMITS, protobufCodec } from "@hawser/protocol";
import { type HostilePeer, transportCompliance } from "@hawser/transport/compliance";
import { WebSocket } from "ws";
import { createWebSocketAcceptor, createWebSocketDialer, SUBPROTOCOLS, type Subprotocol } from "./index.js";

for (const subprotocol of SUBPROTOCOLS) {
  transportCompliance(subprotocol, ({ handshakeTimeoutMs }) =>
    Promise.resolve({
      acceptor: createWebSocketAcceptor({ handshakeTimeoutMs }),
      wire: {
        kind: "sockets",
        createDialer: (port) => createWebSocketDialer({ url: `ws://127.0.0.1:${port}`, subprotocol }),
        connectHostilePeer: (port) => connectHostilePeer(port, subprotocol),
        halfHandshake: "GET /v1/connect HTTP/1.1\r\nHost: principal\r\nUpgrade: webso",
      },
    }),
  );
}

async function connectHostilePeer(port: number, subprotocol: Subprotocol): Promise<HostilePeer> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/v1/connect`, subprotocol, {
    perMessageDeflate: false,
  });
  const closeCode = new Promise<number>((resolve) => webSocket.once("close", resolve));
  await once(webSocket, "open");
  const proto = subprotocol === "cloudevents.proto";
  return {
    closeCode,
    sendEvent(id) {
      const event = { specversion: "1.0", id, source: "/hostile", type: "com.example.hostile.v1" } as const;
      webSocket.send(proto ? protobufCodec.encode(event) : jsonCodec.encode(event));
    },
    sendMalformed: () => webSocket.send(proto ? Buffer.from([0xff, 0xff, 0xff]) : '{"specversion":"1.0"'),
    sendOversized() {
      const bytes = Buffer.alloc(LIMITS.maxFrameBytes + 1, "x");
      webSocket.send(bytes, { binary: proto });
    },
    destroy: () => webSocket.terminate(),
  };
}
