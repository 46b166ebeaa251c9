import { Duplex } from "node:stream";
import { createVirtualRuntime } from "@hawser/testkit";
import { expect, test } from "vitest";
import { WriteBatch } from "./write-batch.js";

function setUp() {
  const writes: string[] = [];
  const socket = new Duplex({
    read() {},
    writev(chunks, done) {
      writes.push(chunks.map(({ chunk }) => String(chunk)).join(""));
      done();
    },
  });
  const virtual = createVirtualRuntime({ seed: 1 });
  const batch = new WriteBatch(socket, virtual.runtime.timers);
  const write = (text: string): void => {
    batch.begin();
    socket.write(text);
  };
  return { writes, virtual, batch, write };
}

test("what is written in one tick leaves in one write when the tick is over", async () => {
  const { writes, virtual, write } = setUp();
  for (const text of ["a", "b", "c"]) write(text);
  expect(writes).toEqual([]);
  await virtual.advance(0);
  expect(writes).toEqual(["abc"]);
  write("d");
  await virtual.advance(0);
  expect(writes).toEqual(["abc", "d"]);
});

test("flush writes at once and leaves nothing to do", async () => {
  const { writes, virtual, batch, write } = setUp();
  write("a");
  batch.flush();
  expect(writes).toEqual(["a"]);
  expect(virtual.pendingTimers).toBe(0);
  batch.flush();
  write("b");
  await virtual.advance(0);
  expect(writes).toEqual(["a", "b"]);
});
