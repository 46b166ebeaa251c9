import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import type { SocketRefusal } from "@hawser/transport";
import { afterEach, expect, it } from "vitest";
import { CONNECT_PATH, createGrpcAcceptor, createGrpcDialer } from "./index.js";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A port where everybody is turned away. */
async function refusing(refusal: SocketRefusal): Promise<{ port: number; open: () => number }> {
  const acceptor = createGrpcAcceptor();
  await acceptor.start(() => {
    throw new Error("nobody gets in here");
  });
  let sockets = 0;
  const listener = createServer((socket) => {
    sockets += 1;
    socket.once("close", () => (sockets -= 1));
    acceptor.accept(socket, { address: "somewhere:1", refusal });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  cleanups.push(
    () => new Promise((resolve) => listener.close(resolve)),
    () => acceptor.stop(),
  );
  return { port: (listener.address() as AddressInfo).port, open: () => sockets };
}

it("a socket that was refused before it spoke learns its slot to the millisecond", async () => {
  const { port } = await refusing({ retryAfterMs: 1_234.2, message: "the line is full" });
  await expect(createGrpcDialer({ target: `127.0.0.1:${port}` }).dial()).rejects.toMatchObject({
    code: "overloaded",
    message: expect.stringContaining("the line is full"),
    cause: { retryAfterMs: 1_235, slot: true },
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
