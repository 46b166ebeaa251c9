import { once } from "node:events";
import { Duplex, PassThrough } from "node:stream";
import { systemTimers, TurnQueue, type Clock, type Timers } from "@hawser/runtime";
import { expect, it } from "vitest";
import { SlicedSocket } from "./sliced-socket.js";

/** An event loop whose turns the test ends, of 2,048 bytes each. */
class Loop implements Timers {
  readonly timers: Timers = this;
  readonly clock: Clock = { now: () => 0, wallTime: () => 0 };
  readonly queue = new TurnQueue(this, { perTurn: 2_048, perSecond: 1 });
  #due: (() => void)[] = [];

  soon(callback: () => void): { cancel: () => void } {
    this.#due.push(callback);
    return { cancel: () => {} };
  }

  after(): never {
    throw new Error("turns are not timed");
  }

  endTurn(): void {
    for (const callback of this.#due.splice(0)) callback();
  }
}

/** The socket underneath, and what HTTP/2 has had of it. */
function stage(loop = new Loop()) {
  const arriving = new PassThrough({ highWaterMark: 65_536 });
  const written: Buffer[] = [];
  const socket = new Duplex({
    readableHighWaterMark: 65_536,
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk);
      done();
    },
  });
  arriving.on("data", (chunk: Buffer) => socket.push(chunk));
  arriving.on("end", () => socket.push(null));
  let isTrusted = false;
  const sliced = new SlicedSocket(socket, loop.queue, () => isTrusted);
  const slices: number[] = [];
  sliced.on("data", (chunk: Buffer) => slices.push(chunk.length));
  return { loop, arriving, socket, sliced, slices, written, trust: () => (isTrusted = true) };
}

/** Streams tell of what they did a little later. */
const settled = (): Promise<void> =>
  new Promise((resolve) => void systemTimers.soon(() => systemTimers.soon(resolve)));

it("gives what strangers send in slices, so many bytes a turn of all of them, and all of it in the end", async () => {
  const one = stage();
  const other = stage(one.loop);
  one.arriving.write(Buffer.alloc(5_000));
  other.arriving.end(Buffer.alloc(2_500));
  await settled();
  expect(one.slices).toEqual([1_024, 1_024]);
  expect(other.slices).toEqual([]);
  one.loop.endTurn();
  expect([one.slices.length, other.slices.length]).toEqual([3, 1]);
  const ended = once(other.sliced, "end");
  for (let turn = 0; turn < 4; turn += 1) {
    one.loop.endTurn();
    await settled();
  }
  expect(one.slices).toEqual([1_024, 1_024, 1_024, 1_024, 904]);
  expect(other.slices).toEqual([1_024, 1_024, 452]);
  await ended;
});

it("gives what a trusted client sends as it came, also what waited for a turn", async () => {
  const { loop, arriving, slices, trust } = stage();
  arriving.write(Buffer.alloc(10_000));
  await settled();
  trust();
  loop.endTurn();
  arriving.write(Buffer.alloc(20_000));
  await settled();
  expect(slices).toEqual([1_024, 1_024, 1_024, 6_928, 20_000]);
});

it("reads on only as HTTP/2 takes what came, and then goes on by itself", async () => {
  const { loop, arriving, sliced, slices, trust } = stage();
  trust();
  sliced.pause();
  for (let n = 0; n < 40; n += 1) {
    arriving.write(Buffer.alloc(10_000));
    await settled();
  }
  expect(sliced.readableLength).toBeLessThanOrEqual(131_072);
  sliced.resume();
  await settled();
  loop.endTurn();
  await settled();
  expect(slices.reduce((sum, each) => sum + each, 0)).toBe(400_000);
});

it("writes what it is given, in order, and ends with the socket", async () => {
  const { socket, sliced, written } = stage();
  sliced.write("a");
  sliced.cork();
  sliced.write("b");
  sliced.write("c");
  sliced.uncork();
  await new Promise<void>((resolve) => sliced.end("d", () => resolve()));
  expect(Buffer.concat(written).toString()).toBe("abcd");
  expect(socket.writableFinished).toBe(true);
});

it.each([
  {
    what: "the socket breaks",
    end: ({ socket }: ReturnType<typeof stage>) => socket.destroy(new Error("ECONNRESET")),
  },
  { what: "HTTP/2 lets go of it", end: ({ sliced }: ReturnType<typeof stage>) => sliced.destroy() },
])("where $what both are gone, and a slice that waits is nobody's any more", async ({ end }) => {
  const all = stage();
  all.socket.on("error", () => {});
  all.arriving.write(Buffer.alloc(5_000));
  await settled();
  end(all);
  await settled();
  expect([all.socket.destroyed, all.sliced.destroyed]).toEqual([true, true]);
  all.loop.endTurn();
  expect(all.slices).toEqual([1_024, 1_024]);
});
