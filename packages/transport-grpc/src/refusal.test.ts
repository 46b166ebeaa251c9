import { once } from "node:events";
import { connect } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { HawserError } from "@hawser/protocol";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import type { ConnectionEnd, PeerInfo, Screen, SocketRefusal } from "@hawser/transport";
import { afterEach, expect, it } from "vitest";
import { CONNECT_PATH, createGrpcAcceptor, createGrpcDialer } from "./index.js";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A port where everybody is turned away, by the socket or by the headers of the request. */
async function refusing(
  refusal: SocketRefusal | undefined,
  screen?: Screen,
): Promise<{ port: number; open: () => number }> {
  const acceptor = createGrpcAcceptor();
  await acceptor.start(() => {
    throw new Error("nobody gets in here");
  }, screen);
  let sockets = 0;
  const listener = createServer((socket) => {
    sockets += 1;
    socket.once("close", () => (sockets -= 1));
    acceptor.accept(socket, { address: "somewhere:1", ...(refusal === undefined ? {} : { refusal }) });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  cleanups.push(
    () => new Promise((resolve) => listener.close(resolve)),
    () => acceptor.stop(),
  );
  return { port: (listener.address() as AddressInfo).port, open: () => sockets };
}

/** How a connection ends that says something at once, as an agent does. */
async function endOfDialled(port: number): Promise<ConnectionEnd> {
  const connection = await createGrpcDialer({ url: `grpc://127.0.0.1:${port}` }).dial();
  return await new Promise((resolve) => {
    connection.open({ message: () => {}, writable: () => {}, ended: resolve });
    connection.send({ specversion: "1.0", id: "hello", source: "/test", type: "com.example.v1" });
  });
}

it("a socket that was refused before it spoke learns its slot to the millisecond", async () => {
  const { port } = await refusing({ retryAfterMs: 1_234.2, message: "the line is full" });
  expect(await endOfDialled(port)).toMatchObject({
    kind: "lost",
    error: {
      code: "overloaded",
      message: expect.stringContaining("the line is full") as string,
      cause: { retryAfterMs: 1_235, slot: true },
    },
  });
});

it("grpc-js sees UNAVAILABLE with the time to come back", async () => {
  const { port } = await refusing({ retryAfterMs: 1_234, message: "the line is full" });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  cleanups.push(() => client.close());
  const stream = client.makeBidiStreamRequest(
    CONNECT_PATH,
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
  );
  const [error]: ServiceError[] = await once(stream, "error").catch((thrown: ServiceError) => [thrown]);
  expect(error).toMatchObject({ code: 14, details: "the line is full" });
  expect(error?.metadata.get("grpc-retry-pushback-ms")).toEqual(["1234"]);
});

it("of a client that asks again at each refusal, one request is looked at", async () => {
  let looked = 0;
  const { port, open } = await refusing(undefined, () => {
    looked += 1;
    return new HawserError("unauthenticated", "not you");
  });
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  cleanups.push(() => session.destroy());
  let asked = 0;
  const ask = (): void => {
    if (session.destroyed || session.closed) return;
    asked += 1;
    const stream = session.request({
      ":method": "POST",
      ":path": CONNECT_PATH,
      "content-type": "application/grpc",
    });
    stream.on("error", () => {});
    stream.resume();
    stream.once("close", ask);
  };
  await once(session, "remoteSettings");
  ask();
  ask();
  await once(session, "close");
  expect(looked).toBe(1);
  expect(asked).toBeGreaterThan(1);
  await expect.poll(open).toBe(0);
});

it.each([
  ["unauthenticated", 4003],
  ["forbidden", 4004],
] as const)(
  "a request whose headers are refused as %s ends as a close with %i, and holds no place",
  async (code, close) => {
    const asked: PeerInfo[] = [];
    const { port, open } = await refusing(undefined, (peer) => {
      asked.push(peer);
      return new HawserError(code, "not you: ü");
    });
    expect(await endOfDialled(port)).toMatchObject({
      kind: "closed",
      code: close,
      reason: "not you: ü",
      by: "peer",
    });
    expect(asked).toEqual([{ address: "somewhere:1" }]);
    await expect.poll(open).toBe(0);
  },
);
