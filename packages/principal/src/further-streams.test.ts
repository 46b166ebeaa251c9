import {
  CLOSE_EVENT_TYPE,
  encodeControl,
  parseMessage,
  protobufBatchCodec,
  type Message,
} from "@hawser/protocol";
import { systemTimers } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { CONNECT_PATH, createGrpcAcceptor } from "@hawser/transport-grpc";
import { connect } from "node:http2";
import { expect, it, onTestFinished } from "vitest";
import { createPrincipal } from "./create-principal.js";

/** Opens one gRPC stream after the other in one HTTP/2 connection, as a proxy in front of many agents does. */
function proxy(port: number) {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  return {
    session,
    join(agent: string): Message[] {
      const stream = session.request({
        ":method": "POST",
        ":path": CONNECT_PATH,
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.on("error", () => {});
      const heard: Message[] = [];
      let unread = Buffer.alloc(0);
      stream.on("data", (chunk: Buffer) => {
        unread = Buffer.concat([unread, chunk]);
        while (unread.length >= 5 && unread.length >= 5 + unread.readUInt32BE(1)) {
          const end = 5 + unread.readUInt32BE(1);
          const events = protobufBatchCodec.decode(unread.subarray(5, end));
          heard.push(...events.filter(({ type }) => type !== CLOSE_EVENT_TYPE).map(parseMessage));
          unread = unread.subarray(end);
        }
      });
      stream.write(message(protobufBatchCodec.encode([hello(agent)])));
      return heard;
    },
  };
}

function hello(agent: string) {
  const words = {
    type: "hello",
    agent,
    protocol_versions: ["1"],
    store: agent,
    window: 16,
    settled: "0",
    software: "test",
  } as const;
  return encodeControl(words, { id: "1", source: "/test" });
}

function message(payload: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

it("agents that share an HTTP/2 connection are admitted one by one", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const store = createMemoryStore({ runtime });
  const principal = createPrincipal({
    store,
    runtime,
    acceptors: [createGrpcAcceptor({ runtime })],
    listen: { port: 0, admission: { ratePerSecond: 10, burst: 1, rampMs: 0, maxWaiting: 1 } },
    stop: { windowMs: 0 },
  });
  const { address } = await principal.start();
  const { session, join } = proxy(address?.port ?? 0);

  // What is ready together is written together, by a timer of no delay.
  const said = async (messages: readonly Message[]): Promise<void> => {
    while (messages.length === 0) {
      await world.advance(0);
      await new Promise<void>((resolve) => systemTimers.soon(resolve));
    }
  };
  const first = join("edge-1");
  await said(first);
  expect(first[0]).toMatchObject({ message: { type: "welcome" } });
  const second = join("edge-2");
  const third = join("edge-3");
  await said(third);
  expect(third[0]).toMatchObject({ message: { type: "refuse", code: "overloaded" } });
  expect(second).toEqual([]);
  await world.advance(100);
  await said(second);
  expect(second[0]).toMatchObject({ message: { type: "welcome" } });
  expect(session.destroyed).toBe(false);

  const stopped = principal.stop();
  session.destroy();
  await world.advance(60_000);
  await stopped;
});
