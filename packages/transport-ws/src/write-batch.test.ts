import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { ManualTimers } from "./testing/manual-timers.js";
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
  const timers = new ManualTimers();
  const batch = new WriteBatch(socket, timers);
  const write = (text: string): void => {
    batch.begin();
    socket.write(text);
  };
  return { writes, timers, batch, write };
}

test("what is written in one tick leaves in one write when the tick is over", () => {
  const { writes, timers, write } = setUp();
  for (const text of ["a", "b", "c"]) write(text);
  expect(writes).toEqual([]);
  timers.advance(0);
  expect(writes).toEqual(["abc"]);
  write("d");
  timers.advance(0);
  expect(writes).toEqual(["abc", "d"]);
});

test("flush writes at once and leaves nothing to do", () => {
  const { writes, timers, batch, write } = setUp();
  write("a");
  batch.flush();
  expect(writes).toEqual(["a"]);
  expect(timers.pending).toBe(0);
  batch.flush();
  write("b");
  timers.advance(0);
  expect(writes).toEqual(["a", "b"]);
});
