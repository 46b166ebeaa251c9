import { once } from "node:events";
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { protobufBatchCodec } from "@hawser/protocol";
import type { ConnectionEnd } from "@hawser/transport";
import { expect, it, onTestFinished } from "vitest";
import { framed } from "./testing/frames.js";
import { createGrpcDialer } from "./index.js";

interface Served {
  readonly session: ServerHttp2Session;
  readonly stream: ServerHttp2Stream;
}

/** A server that answers a stream with headers, and then does what the test says. */
async function serve(): Promise<{ readonly url: string; readonly served: Promise<Served> }> {
  const http2 = createServer();
  const served = new Promise<Served>((resolve) => {
    http2.on("session", (session) => {
      session.on("error", () => {});
      session.on("stream", (stream) => {
        stream.on("error", () => {});
        stream.resume();
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        resolve({ session, stream });
      });
    });
  });
  http2.listen(0, "127.0.0.1");
  await once(http2, "listening");
  onTestFinished(() => void http2.close());
  return { url: `grpc://127.0.0.1:${(http2.address() as AddressInfo).port}`, served };
}

it("a GOAWAY without an error asks for another connection, and this one goes on", async () => {
  const { url, served } = await serve();
  const connection = await createGrpcDialer({ url }).dial();
  const heard: string[] = [];
  const end = new Promise<ConnectionEnd>((resolve) => {
    connection.open({
      message: ({ id }) => heard.push(id),
      writable: () => {},
      retiring: () => heard.push("retiring"),
      ended: resolve,
    });
  });
  const { session, stream } = await served;
  session.goaway(0);
  await expect.poll(() => heard).toEqual(["retiring"]);
  const event = { specversion: "1.0", id: "after", source: "/test", type: "com.example.v1" } as const;
  stream.write(framed(protobufBatchCodec.encode([event])));
  await expect.poll(() => heard).toEqual(["retiring", "after"]);
  connection.close(1000, "");
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end();
  expect(await end).toMatchObject({ kind: "closed", code: 1000, by: "local" });
});

it("a connection that breaks is lost, and not to be replaced before", async () => {
  const { url, served } = await serve();
  const connection = await createGrpcDialer({ url, keepAliveIntervalMs: 0 }).dial();
  const heard: string[] = [];
  const end = new Promise<ConnectionEnd>((resolve) => {
    connection.open({
      message: () => {},
      writable: () => {},
      retiring: () => heard.push("retiring"),
      ended: resolve,
    });
  });
  const { session } = await served;
  session.destroy();
  expect(await end).toMatchObject({ kind: "lost" });
  expect(heard).toEqual([]);
});
