import type { CloudEvent } from "@hawser/protocol";
import { systemRuntime } from "@hawser/runtime";
import { until } from "@hawser/testkit";
import type { Connection, Dialer } from "@hawser/transport";
import { createGrpcAcceptor, createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketAcceptor, createWebSocketDialer } from "@hawser/transport-ws";
import { afterEach, describe, expect, it } from "vitest";
import { createListener } from "./create-listener.js";
import type { ListenerTls } from "./listener-options.js";
import { pem } from "./testing/pem.js";

const server: ListenerTls = { cert: pem("server"), key: pem("server.key") };
const client = { ca: pem("ca"), cert: pem("client"), key: pem("client.key") };

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A port with both transports behind it, that sends each event back. */
async function listen(tls?: ListenerTls): Promise<{ port: number; accepted: Connection[] }> {
  const accepted: Connection[] = [];
  const acceptors = [createWebSocketAcceptor(), createGrpcAcceptor()];
  for (const acceptor of acceptors) {
    await acceptor.start((connection) => {
      connection.trust();
      accepted.push(connection);
      connection.open({ message: (event) => void connection.send(event), writable() {}, ended() {} });
    });
    cleanups.push(() => acceptor.stop());
  }
  const listener = createListener(
    { port: 0, ...(tls === undefined ? {} : { tls }) },
    { runtime: systemRuntime(), acceptors },
  );
  cleanups.push(() => listener.stop());
  return { port: (await listener.start()).port, accepted };
}

/** Sends events with data of these sizes and waits until all have come back. */
async function roundTrip(dialer: Dialer, sizes: readonly number[]): Promise<void> {
  const connection = await dialer.dial();
  const received: CloudEvent[] = [];
  let ended = false;
  connection.open({
    message: (event) => void received.push(event),
    writable() {},
    ended: () => {
      ended = true;
    },
  });
  const events: CloudEvent[] = sizes.map((size, index) => ({
    specversion: "1.0",
    id: String(index),
    source: "test",
    type: "com.example.echo",
    datacontenttype: "text/plain",
    data: "x".repeat(size),
  }));
  for (const event of events) connection.send(event);
  await until(() => received.length === events.length || ended);
  expect(received).toEqual(events);
  connection.close(1000, "done");
  await until(() => ended);
}

function dialers(port: number, tls: boolean): readonly Dialer[] {
  const runtime = systemRuntime();
  const url = `${tls ? "wss" : "ws"}://127.0.0.1:${port}`;
  const secure = tls ? { tls: client } : {};
  return [
    createWebSocketDialer({ url, subprotocol: "cloudevents.json", runtime, ...secure }),
    createWebSocketDialer({ url, subprotocol: "cloudevents.proto", runtime, ...secure }),
    createGrpcDialer({ url: `${tls ? "grpcs" : "grpc"}://127.0.0.1:${port}`, runtime, ...secure }),
  ];
}

describe("the real transports behind one port", () => {
  it.each([
    { how: "in plaintext", tls: undefined, name: undefined },
    { how: "over TLS", tls: server, name: undefined },
    { how: "over TLS with client certificates", tls: { ...server, clientCa: client.ca }, name: "agent-1" },
  ])("carry events both ways $how", async ({ tls, name }) => {
    const { port, accepted } = await listen(tls);
    const all = dialers(port, tls !== undefined);
    for (const dialer of all) await roundTrip(dialer, [1, 100_000, 1, 300_000, 1]);
    expect(accepted.map(({ transport }) => transport)).toEqual(["ws-json", "ws-proto", "grpc"]);
    for (const { peer } of accepted) {
      expect(peer.address).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(peer.certificate).toEqual(name && { kind: "usable", names: [name] });
    }
  });

  it("do not get in each other's way", async () => {
    const { port, accepted } = await listen();
    const all = [...dialers(port, false), ...dialers(port, false), ...dialers(port, false)];
    await Promise.all(all.map((dialer) => roundTrip(dialer, [1, 1000, 10])));
    expect(accepted).toHaveLength(9);
  });
});
