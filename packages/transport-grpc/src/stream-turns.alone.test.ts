import { once } from "node:events";
import { connect } from "node:http2";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { systemTimers } from "@hawser/runtime";
import { expect, onTestFinished, test, vi } from "vitest";
import { CONNECT_PATH, createGrpcAcceptor } from "./index.js";

test("streams that strangers open all at once begin a few in each turn of the event loop, and all in the end", async () => {
  const begunIn = new Map<number, number>();
  let turn = 0;
  let isOver = false;
  const next = (): void => {
    turn += 1;
    if (!isOver) systemTimers.soon(next);
  };
  next();
  const acceptor = createGrpcAcceptor();
  await acceptor.start(() => void begunIn.set(turn, (begunIn.get(turn) ?? 0) + 1));
  const arrived: Socket[] = [];
  const server = createServer((socket) => {
    arrived.push(socket);
    acceptor.accept(socket, { address: "tester:1" });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clients = Array.from({ length: 10 }, () => connect(`http://127.0.0.1:${port}`));
  onTestFinished(async () => {
    isOver = true;
    for (const client of clients) client.destroy();
    await acceptor.stop();
    server.close();
  });
  await Promise.all(clients.map((client) => once(client, "remoteSettings")));
  await vi.waitFor(() => expect(arrived).toHaveLength(clients.length), { interval: 5 });
  for (const client of [...clients, ...clients])
    client
      .request({
        ":method": "POST",
        ":path": CONNECT_PATH,
        "content-type": "application/grpc",
        te: "trailers",
      })
      .on("error", () => {})
      .resume();
  const total = (): number => [...begunIn.values()].reduce((sum, each) => sum + each, 0);
  await vi.waitFor(() => expect(total()).toBe(20), { interval: 5 });
  expect(Math.max(...begunIn.values())).toBeLessThanOrEqual(4);
});
