import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import type { SocketRefusal } from "@hawser/transport";
import { afterEach, expect, test } from "vitest";
import { createWebSocketAcceptor, createWebSocketDialer } from "./index.js";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A port where everybody is turned away. */
async function refusing(refusal: SocketRefusal): Promise<number> {
  const acceptor = createWebSocketAcceptor();
  await acceptor.start(() => {
    throw new Error("nobody gets in here");
  });
  const listener = createServer((socket) => acceptor.accept(socket, { address: "somewhere:1", refusal }));
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  cleanups.push(
    () => new Promise((resolve) => listener.close(resolve)),
    () => acceptor.stop(),
  );
  return (listener.address() as AddressInfo).port;
}

test("a socket that was refused before it spoke learns its slot to the millisecond", async () => {
  const port = await refusing({ retryAfterMs: 1_234.2, message: "the line is full" });
  const dialled = createWebSocketDialer({
    url: `ws://127.0.0.1:${port}`,
    subprotocol: "cloudevents.json",
  }).dial();
  await expect(dialled).rejects.toMatchObject({
    code: "overloaded",
    message: expect.stringContaining("the line is full"),
    cause: { retryAfterMs: 1_235, slot: true },
  });
});

test("any HTTP client is told 503 with whole seconds", async () => {
  const port = await refusing({ retryAfterMs: 1_234, message: "the line is full" });
  const asked = request({ port, host: "127.0.0.1", path: "/" }).end();
  const [response] = await once(asked, "response");
  response.resume();
  expect(response.statusCode).toBe(503);
  expect(response.headers).toMatchObject({
    "retry-after": "2",
    "hawser-retry-after-ms": "1234",
    connection: "close",
  });
});
