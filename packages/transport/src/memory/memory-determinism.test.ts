import type { Timers } from "@hawser/runtime";
import { expect, test } from "vitest";
import { numbered } from "../compliance/events.js";
import { Recorder } from "../compliance/recorder.js";
import { createMemoryTransport } from "./memory-transport.js";

/** Timers that run when told to, so that a test decides what a tick is. */
function manualTimers(): Timers & { tick(): number } {
  let due: { cancelled: boolean; callback: () => void }[] = [];
  return {
    after: () => ({ cancel: () => {} }),
    soon(callback) {
      const entry = { cancelled: false, callback };
      due.push(entry);
      return {
        cancel: () => {
          entry.cancelled = true;
        },
      };
    },
    tick() {
      const now = due.filter((entry) => !entry.cancelled);
      due = [];
      for (const { callback } of now) callback();
      return now.length;
    },
  };
}

async function openPair(timers: ReturnType<typeof manualTimers>) {
  const { acceptor, dialer } = createMemoryTransport({ timers });
  const server = new Recorder();
  const client = new Recorder();
  await acceptor.start((connection) => {
    server.onMessage = (event) => connection.send(event);
    connection.open(server);
  });
  const dialing = dialer.dial();
  timers.tick();
  const connection = await dialing;
  connection.open(client);
  return { connection, client, server };
}

test("what is sent in one tick arrives in the next, the very same object, and answers in the one after", async () => {
  const timers = manualTimers();
  const { connection, client, server } = await openPair(timers);
  const events = [numbered(1), numbered(2)];
  for (const event of events) connection.send(event);
  expect(server.messages).toEqual([]);
  timers.tick();
  expect(server.messages[0]).toBe(events[0]);
  expect(server.messages[1]).toBe(events[1]);
  expect(client.messages).toEqual([]);
  timers.tick();
  expect(client.messages[1]).toBe(events[1]);
});

test("a quiet connection asks for no ticks", async () => {
  const timers = manualTimers();
  const { connection } = await openPair(timers);
  connection.send(numbered(1));
  expect(timers.tick()).toBe(1);
  expect(timers.tick()).toBe(1);
  expect(timers.tick()).toBe(0);
});

test("a dialer's faults touch only what it dialled", async () => {
  const timers = manualTimers();
  const { acceptor, dialer, createDialer } = createMemoryTransport({ timers });
  await acceptor.start((connection) => connection.open(new Recorder()));
  const other = createDialer({ address: "agent-2", authorization: "Bearer x" });
  const dialing = [dialer.dial(), other.dial()];
  timers.tick();
  const seen = await Promise.all(
    dialing.map(async (connection) => {
      const recorder = new Recorder();
      (await connection).open(recorder);
      return recorder;
    }),
  );
  dialer.cut();
  timers.tick();
  expect(seen.map((recorder) => recorder.ends.length)).toEqual([1, 0]);
});

test("the acceptor sees the name and credentials of the dialer", async () => {
  const timers = manualTimers();
  const { acceptor, createDialer } = createMemoryTransport({ timers });
  const peer = {
    address: "agent-7",
    authorization: "Bearer secret",
    certificate: { kind: "usable", names: ["agent-7"] },
  } as const;
  const accepted: unknown[] = [];
  await acceptor.start((connection) => accepted.push(connection.peer));
  const dialing = createDialer(peer).dial();
  timers.tick();
  await dialing;
  expect(accepted).toEqual([peer]);
});
