import { PassThrough } from "node:stream";
import { systemRuntime } from "@hawser/runtime";
import { expect, onTestFinished, test } from "vitest";
import { createGrpcAcceptor } from "./index.js";
import { MAX_WAITING_BYTES } from "./waiting-bytes.js";

/** What Node reads from a socket at once. */
const READ_BYTES = 65_536;
/** More than there is room for. */
const FULL = 600;

/** A client that has sent so much, and what became of it. */
function client(bytes: number) {
  const socket = new PassThrough({ highWaterMark: READ_BYTES });
  socket.write(Buffer.alloc(bytes));
  return { socket, overBudget: 0 };
}

/** A listener that counts, and then throws: whoever arrives meanwhile is not to hear of it. */
const told = (one: { overBudget: number }) => (): void => {
  one.overBudget += 1;
  throw new Error("a logger throws");
};

test("strangers that fill what is read at once are cut where all hold too much, and one with a request is not", async () => {
  const runtime = systemRuntime();
  // The event loop never gets to the next turn: what is read can only wait.
  const stuck = { ...runtime, timers: { ...runtime.timers, soon: () => ({ cancel: () => {} }) } };
  const acceptor = createGrpcAcceptor({ runtime: stuck });
  await acceptor.start(() => {});
  const newcomer = client(300);
  const clients = [newcomer, ...Array.from({ length: FULL }, () => client(READ_BYTES))];
  onTestFinished(() => acceptor.stop());
  for (const one of clients) acceptor.accept(one.socket, { address: "somewhere:1", overBudget: told(one) });
  const stays = clients.filter(({ socket }) => !socket.destroyed);
  const held = stays.reduce((sum, { socket }) => sum + socket.readableLength, 0);
  expect(held).toBeLessThanOrEqual(MAX_WAITING_BYTES);
  expect(held).toBeGreaterThan(MAX_WAITING_BYTES - 2 * READ_BYTES);
  expect(stays).toContain(newcomer);
  for (const { socket, overBudget } of clients) expect(overBudget).toBe(socket.destroyed ? 1 : 0);
});
