import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { systemClock, systemRuntime } from "@hawser/runtime";
import { afterEach, expect, it } from "vitest";
import { createChaosProxy, type ChaosFaults, type ChaosProxy } from "./index.js";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** An echo server behind a proxy, and a way to connect through it. */
async function world(faults: Partial<ChaosFaults> = {}) {
  const targetSockets: Socket[] = [];
  const echo = createServer({ allowHalfOpen: true }, (socket) => {
    targetSockets.push(socket);
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const target = { host: "127.0.0.1", port: (echo.address() as AddressInfo).port };
  const proxy: ChaosProxy = createChaosProxy({ target, runtime: systemRuntime(), faults });
  const { port } = await proxy.start();
  cleanups.push(
    () => void echo.close(),
    () => proxy.stop(),
    () => proxy.stop(),
  );
  const open = async (): Promise<Socket> => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    cleanups.push(() => void socket.destroy());
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  };
  return { proxy, port, open, targetSockets };
}

async function exchange(socket: Socket, bytes: number): Promise<number> {
  let received = 0;
  const done = new Promise<number>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (received >= bytes) resolve(received);
    });
  });
  socket.write(Buffer.alloc(bytes, "x"));
  return done;
}

const errorOf = async (socket: Socket): Promise<unknown> => {
  const [error] = (await once(socket, "error").catch((thrown: unknown) => [thrown])) as [unknown];
  return error;
};

it("passes everything both ways, with half-close, and counts", async () => {
  const { proxy, open } = await world();
  const socket = await open();
  expect(await exchange(socket, 5_000_000)).toBe(5_000_000);
  socket.end("bye");
  socket.resume();
  await once(socket, "close");
  expect(proxy.counts).toMatchObject({ accepted: 1, bytesUp: 5_000_003, bytesDown: 5_000_003 });
});

it("delays each way", async () => {
  const { open } = await world({ latencyMs: 40 });
  const socket = await open();
  const startedAt = systemClock.now();
  await exchange(socket, 10);
  expect(systemClock.now() - startedAt).toBeGreaterThanOrEqual(79);
});

it("limits the bandwidth", async () => {
  const { open } = await world({ bytesPerSecond: 1_000_000 });
  const socket = await open();
  const startedAt = systemClock.now();
  await exchange(socket, 100_000);
  expect(systemClock.now() - startedAt).toBeGreaterThanOrEqual(99);
});

it("lets bytes trickle through a slow line, and the rest go when it is fast again", async () => {
  const { proxy, open } = await world();
  const socket = await open();
  await exchange(socket, 1);
  proxy.setFaults({ bytesPerSecond: 1_000 });
  const startedAt = systemClock.now();
  const arrivals: number[] = [];
  socket.on("data", (chunk: Buffer) => arrivals.push(chunk.length));
  const all = exchange(socket, 100_000);
  await expect.poll(() => arrivals.length).toBeGreaterThan(1);
  // In pieces, not all at once when its time has come.
  expect(arrivals[0]).toBeLessThan(10_000);
  proxy.setFaults({ bytesPerSecond: Number.POSITIVE_INFINITY });
  await all;
  // At the old rate it would have taken more than a minute and a half.
  expect(systemClock.now() - startedAt).toBeLessThan(10_000);
});

it("lets what is late go at once when the latency ends", async () => {
  const { proxy, open } = await world();
  const socket = await open();
  await exchange(socket, 1);
  proxy.setFaults({ latencyMs: 60_000 });
  const all = exchange(socket, 10);
  await expect.poll(() => proxy.counts.bytesUp).toBe(11);
  proxy.setFaults({ latencyMs: 0 });
  expect(await all).toBe(10);
});

it("resets both ends", async () => {
  const { proxy, open, targetSockets } = await world();
  const socket = await open();
  await exchange(socket, 1);
  const [target] = targetSockets;
  if (target === undefined) throw new Error("the target saw no connection");
  const errors = Promise.all([errorOf(socket), errorOf(target)]);
  expect(proxy.resetAll()).toBe(1);
  expect(await errors).toMatchObject([{ code: "ECONNRESET" }, { code: "ECONNRESET" }]);
  await expect.poll(() => proxy.counts).toMatchObject({ reset: 1, open: 0 });
});

it("passes on a reset of one end as a reset, and a close as a close", async () => {
  const { open, targetSockets } = await world();
  const socket = await open();
  await exchange(socket, 1);
  const [target] = targetSockets;
  if (target === undefined) throw new Error("the target saw no connection");
  const error = errorOf(target);
  socket.resetAndDestroy();
  expect(await error).toMatchObject({ code: "ECONNRESET" });
});

it("refuses", async () => {
  const { proxy, port } = await world({ refuse: true });
  const socket = connect({ port, host: "127.0.0.1" });
  expect(await errorOf(socket)).toMatchObject({ code: "ECONNRESET" });
  expect(proxy.counts).toMatchObject({ accepted: 1, refused: 1, open: 0 });
});

it("swallows: neither end learns that the other has gone, until reset", async () => {
  const { proxy, open, targetSockets } = await world();
  const [socket, healthy] = [await open(), await open()];
  await Promise.all([exchange(socket, 1), exchange(healthy, 1)]);
  expect(proxy.swallowAll()).toBe(2);
  const later = await open();
  targetSockets[0]?.resetAndDestroy();
  socket.write("into the hole");
  expect(await exchange(later, 100)).toBe(100);
  expect([socket.closed, proxy.counts.swallowed, proxy.counts.open]).toEqual([false, 2, 3]);
  const error = errorOf(socket);
  proxy.resetAll();
  expect(await error).toMatchObject({ code: "ECONNRESET" });
  await expect.poll(() => proxy.counts.open).toBe(0);
});

it("makes new connections black holes when told to", async () => {
  const { proxy, open } = await world({ blackHole: true });
  const hole = await open();
  let heard = false;
  hole.on("data", () => (heard = true));
  hole.write("hello");
  await expect.poll(() => proxy.counts.swallowed).toBe(1);
  proxy.setFaults({ blackHole: false });
  const healthy = await open();
  await exchange(healthy, 10);
  expect([heard, hole.closed]).toEqual([false, false]);
});

it("cuts what is idle, and only that", async () => {
  const { proxy, open } = await world();
  const socket = await open();
  await exchange(socket, 1);
  const error = errorOf(socket);
  proxy.setFaults({ idleCutMs: 30 });
  expect(await error).toMatchObject({ code: "ECONNRESET" });
  await expect.poll(() => proxy.counts).toMatchObject({ idleCut: 1, open: 0 });
});

it("reports a port in use", async () => {
  const { port } = await world();
  const second = createChaosProxy({
    target: { host: "127.0.0.1", port },
    runtime: systemRuntime(),
    listenPort: port,
  });
  await expect(second.start()).rejects.toMatchObject({ code: "port_in_use" });
});

it("refuses a second start by name, and goes on", async () => {
  const { proxy, open } = await world();
  await expect(proxy.start()).rejects.toMatchObject({ code: "invalid_state" });
  expect(await exchange(await open(), 100)).toBe(100);
});
