import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { systemRuntime } from "@hawser/runtime";
import { until } from "@hawser/testkit";
import type { Acceptor, SocketInfo } from "@hawser/transport";
import { afterEach, expect, it } from "vitest";
import { createListener } from "../create-listener.js";
import type { Listener } from "../listener.js";
import type { ListenerOptions } from "../listener-options.js";
import { pem } from "../testing/pem.js";

const HEADER = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
const LOCAL = Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex");
const REQUEST = "GET /v1/connect HTTP/1.1\r\n\r\n";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Stage {
  readonly listener: Listener;
  readonly port: number;
  readonly infos: SocketInfo[];
  readonly heard: () => string;
}

async function listen(options: Partial<ListenerOptions>, runtime = systemRuntime()): Promise<Stage> {
  const infos: SocketInfo[] = [];
  let heard = "";
  const acceptor: Acceptor = {
    alpn: "http/1.1",
    start: async () => {},
    stop: async () => {},
    accept(socket, info) {
      infos.push(info);
      cleanups.push(() => void socket.destroy());
      socket.on("data", (chunk: Buffer) => (heard += chunk.toString("latin1")));
    },
  };
  const listener = createListener({ port: 0, ...options }, { runtime, acceptors: [acceptor] });
  cleanups.push(() => listener.stop());
  return { listener, infos, heard: () => heard, port: (await listener.start()).port };
}

function dial(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  cleanups.push(() => void socket.destroy());
  return socket;
}

it("names the client, and passes on every byte behind the header", async () => {
  const { port, infos, heard } = await listen({ proxyProtocol: ["127.0.0.0/8"] });
  dial(port).write(HEADER + REQUEST);
  await until(() => heard() === REQUEST);
  expect(infos.map(({ address }) => address)).toEqual(["192.0.2.7:56324"]);
});

it("takes a header that comes byte by byte", async () => {
  const { port, infos, heard } = await listen({ proxyProtocol: ["127.0.0.1"] });
  const socket = dial(port);
  socket.setNoDelay(true);
  for (const byte of HEADER + REQUEST) await new Promise((resolve) => socket.write(byte, resolve));
  await until(() => heard() === REQUEST);
  expect(infos[0]?.address).toBe("192.0.2.7:56324");
});

it("comes before TLS", async () => {
  const tls = { cert: pem("server"), key: pem("server.key") };
  const { port, infos } = await listen({ proxyProtocol: ["127.0.0.1"], tls });
  const socket = dial(port);
  socket.write(HEADER);
  const secured = connectTls({ socket, host: "127.0.0.1", ca: pem("ca"), ALPNProtocols: ["http/1.1"] });
  cleanups.push(() => void secured.destroy());
  await once(secured, "secureConnect");
  await until(() => infos.length === 1);
  expect(infos[0]?.address).toBe("192.0.2.7:56324");
});

it("a load balancer that speaks for itself keeps its own address", async () => {
  const { port, infos, heard } = await listen({ proxyProtocol: ["127.0.0.1"] });
  dial(port).write(Buffer.concat([LOCAL, Buffer.from(REQUEST)]));
  await until(() => heard() === REQUEST);
  expect(infos[0]?.address).toMatch(/^127\.0\.0\.1:\d+$/);
});

it("a connection from a load balancer without a header is closed", async () => {
  const { port, infos, listener } = await listen({ proxyProtocol: ["127.0.0.1"] });
  const socket = dial(port);
  socket.resume();
  socket.write(REQUEST);
  await once(socket, "close");
  expect(infos).toEqual([]);
  expect(listener.stats().lost).toBe(1);
});

it("connections that wait for their header are counted and cut, the load balancer's own first", async () => {
  const { port, listener, infos } = await listen({
    proxyProtocol: ["127.0.0.1"],
    admission: { maxUnauthenticated: 10 },
  });
  dial(port).write(HEADER + REQUEST);
  await until(() => infos.length === 1);
  let closed = 0;
  for (let count = 0; count < 50; count += 1)
    dial(port)
      .resume()
      .once("close", () => (closed += 1));
  await until(() => closed === 41);
  expect(listener.stats()).toMatchObject({ unauthenticated: 10, overBudget: 41, lost: 0 });
  expect(infos.map(({ address }) => address)).toEqual(["192.0.2.7:56324"]);
});

it("a connection that waits for its header ends with the listener", async () => {
  const { port, listener } = await listen({ proxyProtocol: ["127.0.0.1"] });
  const socket = dial(port).resume();
  await until(() => listener.stats().unauthenticated === 1);
  const closed = once(socket, "close");
  await listener.stop();
  expect(listener.stats().unauthenticated).toBe(0);
  await closed;
});

it("what throws behind the header ends its connection alone", async () => {
  const runtime = systemRuntime();
  let breaks = false;
  const now = (): number => {
    const broken = breaks;
    breaks = false;
    if (broken) throw new Error("broken");
    return runtime.clock.now();
  };
  const broken = { ...runtime, clock: { ...runtime.clock, now } };
  const { port, listener, infos } = await listen({ proxyProtocol: ["127.0.0.1"] }, broken);
  const socket = dial(port).resume();
  await until(() => listener.stats().unauthenticated === 1);
  breaks = true;
  socket.write(HEADER + REQUEST);
  await once(socket, "close");
  dial(port).write(HEADER + REQUEST);
  await until(() => infos.length === 1);
});

it("a header from anybody else is not believed", async () => {
  const { port, infos, heard } = await listen({ proxyProtocol: ["192.0.2.1"] });
  dial(port).write(HEADER + REQUEST);
  await until(() => heard() === HEADER + REQUEST);
  expect(infos[0]?.address).toMatch(/^127\.0\.0\.1:\d+$/);
});

it.each(["", "10.0.0.0/33", "10.0.0.0/", "example", "::/129", "10.0.0.0/8/8"])(
  "%j as a load balancer is refused",
  async (text) => {
    await expect(listen({ proxyProtocol: [text] })).rejects.toMatchObject({ code: "invalid_config" });
  },
);
