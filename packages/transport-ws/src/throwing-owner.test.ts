import { HawserError } from "@hawser/protocol";
import type { ConnectionHandlers } from "@hawser/transport";
import { expect, test } from "vitest";
import { createWebSocketAcceptor, createWebSocketDialer } from "./index.js";
import { listening, opened } from "./testing/listening.js";

const EVENT = { specversion: "1.0", id: "1", source: "/test", type: "com.example.test.v1" } as const;

function thrower(): never {
  throw new Error("a fault of the owner");
}

/** What is thrown out of an event would end this process, and the test run with it. */
test.each(["message", "ended"] as const)(
  "an owner that throws in %s loses this connection alone",
  async (where) => {
    const acceptor = createWebSocketAcceptor();
    const stage = await listening(acceptor);
    const dialer = createWebSocketDialer({
      url: `ws://127.0.0.1:${stage.port}`,
      subprotocol: "cloudevents.json",
    });
    const [neighbour, neighbourServer] = await Promise.all([dialer.dial(), stage.accepted()]);
    const well = opened(neighbour);
    const client = opened(await dialer.dial());
    await stage.accepted();
    const bad = await dialer.dial();
    const handlers: ConnectionHandlers = { message: () => {}, writable: () => {}, ended: () => {} };
    bad.open({ ...handlers, [where]: thrower });
    const server = await stage.accepted();
    server.connection.send(EVENT);
    server.connection.close(1000, "");
    await server.ended;
    bad.terminate(new HawserError("aborted", "the test is over"));
    neighbourServer.connection.send(EVENT);
    expect((await well.next()).id).toBe("1");
    expect(client.messages).toEqual([]);
  },
);

test("an owner that throws as it is given a connection loses this one alone", async () => {
  let connections = 0;
  const acceptor = createWebSocketAcceptor();
  const start = acceptor.start.bind(acceptor);
  acceptor.start = (onConnection) =>
    start((connection) => {
      connections += 1;
      if (connections === 1) thrower();
      onConnection(connection);
    });
  const stage = await listening(acceptor);
  const dialer = createWebSocketDialer({
    url: `ws://127.0.0.1:${stage.port}`,
    subprotocol: "cloudevents.json",
  });
  const lost = opened(await dialer.dial());
  expect(await lost.ended).toMatchObject({ kind: "lost" });
  const well = opened(await dialer.dial());
  (await stage.accepted()).connection.send(EVENT);
  expect((await well.next()).id).toBe("1");
});
