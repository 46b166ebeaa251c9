import { createServer, type Socket } from "node:net";
import { systemTimers } from "@hawser/runtime";
import { expect, onTestFinished, test, vi } from "vitest";
import { createWebSocketAcceptor } from "./index.js";
import { listen } from "./testing/listening.js";
import { RawPeer, upgradeRequest } from "./testing/raw-peer.js";

const JSON_ONLY = { "sec-websocket-protocol": "cloudevents.json" };

test("upgrades that are asked for all at once are made a few in each turn of the event loop, and all in the end", async () => {
  const madeIn = turnsOf(() => acceptor.stop());
  const acceptor = createWebSocketAcceptor();
  await acceptor.start(() => madeIn.note());
  const arrived: Socket[] = [];
  const server = createServer((socket) => {
    arrived.push(socket);
    acceptor.accept(socket, { address: "tester:1" });
  });
  const port = await listen(server);
  const peers = await Promise.all(Array.from({ length: 20 }, () => RawPeer.connect(port)));
  await vi.waitFor(() => expect(arrived).toHaveLength(20), { interval: 5 });
  for (const peer of peers) peer.socket.write(upgradeRequest(JSON_ONLY));
  for (const peer of peers) expect((await peer.readAnswer()).status).toBe(101);
  expect(madeIn.counts().reduce((sum, each) => sum + each, 0)).toBe(20);
  expect(Math.max(...madeIn.counts())).toBeLessThanOrEqual(4);
});

/** How often something happened in each turn of the event loop, until the test is finished. */
function turnsOf(atEnd: () => Promise<void>): { note(): void; counts(): readonly number[] } {
  const counts = new Map<number, number>();
  let turn = 0;
  let isOver = false;
  const next = (): void => {
    turn += 1;
    if (!isOver) systemTimers.soon(next);
  };
  next();
  onTestFinished(async () => {
    isOver = true;
    await atEnd();
  });
  return {
    note: () => void counts.set(turn, (counts.get(turn) ?? 0) + 1),
    counts: () => [...counts.values()],
  };
}
