import { once } from "node:events";
import { connect } from "node:http2";
import { GRPC_CLOSE_CODE_TRAILER, LIMITS, protobufCodec } from "@hawser/protocol";
import { type HostilePeer, transportCompliance } from "@hawser/transport/compliance";
import { CONNECT_PATH, createGrpcAcceptor, createGrpcDialer } from "./index.js";
import { frameMessages } from "./message-framing.js";

transportCompliance("grpc", ({ handshakeTimeoutMs }) =>
  Promise.resolve({
    acceptor: createGrpcAcceptor({ handshakeTimeoutMs }),
    wire: {
      kind: "sockets",
      createDialer: (port) => createGrpcDialer({ target: `127.0.0.1:${port}` }),
      connectHostilePeer,
      halfHandshake: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    },
  }),
);

async function connectHostilePeer(port: number): Promise<HostilePeer> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": CONNECT_PATH,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.resume();
  const closeCode = new Promise<number>((resolve) => {
    stream.once("trailers", (trailers) => resolve(Number(trailers[GRPC_CLOSE_CODE_TRAILER])));
  });
  await once(stream, "response");
  const send = (message: Uint8Array): void => {
    stream.write(frameMessages([message], message.length + 5));
  };
  return {
    closeCode,
    sendEvent: (id) =>
      send(
        protobufCodec.encode({ specversion: "1.0", id, source: "/hostile", type: "com.example.hostile.v1" }),
      ),
    sendMalformed: () => send(Buffer.from([0xff, 0xff, 0xff])),
    sendOversized: () => send(Buffer.alloc(LIMITS.maxFrameBytes + 1)),
    destroy: () => session.destroy(),
  };
}
