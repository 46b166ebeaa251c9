import { once } from "node:events";
import { connect } from "node:http2";
import { CLOSE_EVENT_TYPE, LIMITS, parseClose, protobufBatchCodec } from "@hawser/protocol";
import { type HostilePeer, transportCompliance } from "@hawser/transport/compliance";
import { CONNECT_PATH, createGrpcAcceptor, createGrpcDialer } from "./index.js";
import { framed, unframed } from "./testing/frames.js";

transportCompliance("grpc", ({ handshakeTimeoutMs }) =>
  Promise.resolve({
    acceptor: createGrpcAcceptor({ handshakeTimeoutMs }),
    wire: {
      kind: "sockets",
      createDialer: (port) => createGrpcDialer({ url: `grpc://127.0.0.1:${port}` }),
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
  let received = Buffer.alloc(0);
  const closeCode = new Promise<number>((resolve) => {
    stream.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const events = unframed(received).flatMap((message) => protobufBatchCodec.decode(message));
      const close = events.find(({ type }) => type === CLOSE_EVENT_TYPE);
      if (close !== undefined) resolve(parseClose(close).code);
    });
  });
  await once(stream, "response");
  const send = (message: Uint8Array): void => {
    stream.write(framed(message));
  };
  return {
    closeCode,
    sendEvent: (id) =>
      send(
        protobufBatchCodec.encode([
          { specversion: "1.0", id, source: "/hostile", type: "com.example.hostile.v1" },
        ]),
      ),
    sendMalformed: () => send(Buffer.from([0xff, 0xff, 0xff])),
    sendOversized: () => send(Buffer.alloc(LIMITS.maxFrameBytes + 1)),
    destroy: () => session.destroy(),
  };
}
