import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { HawserError, protobufBatchCodec } from "@hawser/protocol";
import type { ConnectionEnd } from "@hawser/transport";
import { expect, it, onTestFinished } from "vitest";
import { framed } from "./testing/frames.js";
import { createGrpcDialer } from "./index.js";

/** A server that answers each request with one message; it says that it is compressed where it has an encoding. */
async function answering(encoding: string | undefined) {
  const asked: IncomingHttpHeaders[] = [];
  const batch = protobufBatchCodec.encode([
    { specversion: "1.0", id: "answer", source: "/server", type: "com.example.v1" },
  ]);
  const message = framed(encoding === undefined ? batch : gzipSync(batch));
  if (encoding !== undefined) message[0] = 1;
  const server = createServer();
  server.on("stream", (stream, headers) => {
    asked.push(headers);
    stream.on("error", () => {});
    stream.respond(
      {
        ":status": 200,
        "content-type": "application/grpc+proto",
        ...(encoding === undefined ? {} : { "grpc-encoding": encoding }),
      },
      { waitForTrailers: true },
    );
    stream.write(message);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { url: `grpc://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** The first event, or how the connection ended. */
async function firstNews(url: string): Promise<string | ConnectionEnd> {
  const connection = await createGrpcDialer({ url, keepAliveIntervalMs: 0 }).dial();
  const news = await new Promise<string | ConnectionEnd>((resolve) => {
    connection.open({ message: ({ id }) => resolve(id), writable: () => {}, ended: resolve });
    connection.send({ specversion: "1.0", id: "hello", source: "/test", type: "com.example.v1" });
  });
  connection.terminate(new HawserError("aborted", "done"));
  return news;
}

it("offers no compression", async () => {
  const { url, asked } = await answering(undefined);
  expect(await firstNews(url)).toBe("answer");
  expect(asked).toMatchObject([{ "grpc-accept-encoding": "identity" }]);
  expect(asked[0]).not.toHaveProperty("grpc-encoding");
});

it.each(["gzip", "deflate"])("inflates no answer in %s", async (encoding) => {
  const { url } = await answering(encoding);
  expect(await firstNews(url)).toMatchObject({
    kind: "lost",
    error: {
      code: "connection_closed",
      message: expect.stringContaining("The server compressed a message, which it must not."),
    },
  });
});

it("refuses the option that compresses what is sent", () => {
  const channelOptions = { "grpc.default_compression_algorithm": 2 } as const;
  expect(() => createGrpcDialer({ url: "grpc://127.0.0.1:1", channelOptions })).toThrow(
    expect.objectContaining({ code: "invalid_config" }),
  );
});
