import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { jsonCodec, LIMITS, protobufCodec } from "@hawser/protocol";
import type { UpgradeAcceptor } from "@hawser/transport";
import { type HostilePeer, transportCompliance } from "@hawser/transport/compliance";
import { WebSocket } from "ws";
import { createWebSocketAcceptor, createWebSocketDialer, SUBPROTOCOLS, type Subprotocol } from "./index.js";

/** A server that is there already: what it does of its own is what any `node:http` server does. */
function hostOf(acceptor: UpgradeAcceptor, headersTimeout: number): Server {
  const server = createServer({ headersTimeout, connectionsCheckingInterval: 50 });
  return server.on("upgrade", (request, socket, head) =>
    acceptor.acceptUpgrade({ request, socket, head }, { address: `upgrade:${request.socket.remotePort}` }),
  );
}

for (const subprotocol of SUBPROTOCOLS) {
  transportCompliance(`${subprotocol}, on a server that is there already`, ({ handshakeTimeoutMs }) => {
    const acceptor = createWebSocketAcceptor();
    return Promise.resolve({
      acceptor,
      wire: {
        kind: "sockets",
        server: hostOf(acceptor, handshakeTimeoutMs),
        createDialer: (port) => createWebSocketDialer({ url: `ws://127.0.0.1:${port}`, subprotocol }),
        connectHostilePeer: (port) => connectHostilePeer(port, subprotocol),
        halfHandshake: "GET /v1/connect HTTP/1.1\r\nHost: principal\r\nUpgrade: webso",
      },
    });
  });
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
