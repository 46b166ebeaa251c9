import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { HawserError } from "@hawser/protocol";
import type { Acceptor, PeerInfo, Screen, SocketInfo, SocketRefusal } from "@hawser/transport";
import { afterEach, expect, test } from "vitest";
import { createWebSocketAcceptor, createWebSocketDialer } from "./index.js";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A port where everybody is turned away. */
function refusing(refusal: SocketRefusal): Promise<number> {
  return listening(createWebSocketAcceptor(), { refusal });
}

/** A port in front of an acceptor that lets nobody in. */
async function listening(acceptor: Acceptor, info: Partial<SocketInfo>, screen?: Screen): Promise<number> {
  await acceptor.start(() => {
    throw new Error("nobody gets in here");
  }, screen);
  const listener = createServer((socket) => acceptor.accept(socket, { address: "somewhere:1", ...info }));
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

test.each([
  { code: "unauthenticated", status: 401 },
  { code: "forbidden", status: 403 },
  { code: "internal", status: 500 },
] as const)(
  "what the screen refuses with $code is answered with $status before a WebSocket is made",
  async ({ code, status }) => {
    const seen: PeerInfo[] = [];
    const acceptor = createWebSocketAcceptor();
    const port = await listening(acceptor, {}, (peer) => {
      seen.push(peer);
      return new HawserError(code, "not with this");
    });
    const asked = request({
      port,
      host: "127.0.0.1",
      path: "/v1/connect",
      headers: {
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
        "sec-websocket-protocol": "cloudevents.json",
        authorization: "Bearer t",
      },
    }).end();
    const [response] = await once(asked, "response");
    response.resume();
    expect(response.statusCode).toBe(status);
    expect(response.headers["www-authenticate"]).toBe(status === 401 ? "Bearer" : undefined);
    expect(seen).toEqual([{ address: "somewhere:1", authorization: "Bearer t" }]);
  },
);
