import { once } from "node:events";
import { Duplex, PassThrough } from "node:stream";
import { systemTimers, TurnQueue, type Clock, type Timers } from "@hawser/runtime";
import { expect, it } from "vitest";
import { SlicedSocket, type Standing } from "./sliced-socket.js";
import { WaitingBytes } from "./waiting-bytes.js";

/** An event loop whose turns the test ends, of 512 bytes each. */
class Loop implements Timers {
  readonly timers: Timers = this;
  readonly clock: Clock = { now: () => 0, wallTime: () => 0 };
  readonly queue = new TurnQueue(this, { perTurn: 512, perSecond: 1 });
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
  let standing: Standing = "untrusted";
  const waiting = new WaitingBytes();
  const held = waiting.of(() => {});
  const sliced = new SlicedSocket({
    socket,
    turns: loop.queue,
    timers: loop,
    standing: () => standing,
    held,
  });
  const slices: number[] = [];
  sliced.on("data", (chunk: Buffer) => slices.push(chunk.length));
  return {
    loop,
    arriving,
    socket,
    sliced,
    slices,
    written,
    waiting,
    is: (now: Standing) => (standing = now),
  };
}

/** Streams tell of what they did a little later. */
const settled = (): Promise<void> =>
  new Promise((resolve) => void systemTimers.soon(() => systemTimers.soon(resolve)));

it("gives what strangers send in slices, one of each and so many bytes of all in a turn, and all of it in the end", async () => {
  const loop = new Loop();
  const stages = [stage(loop), stage(loop), stage(loop)] as const;
  for (const { arriving } of stages) arriving.end(Buffer.alloc(700));
  const ended = Promise.all(stages.map(({ sliced }) => once(sliced, "end")));
  await settled();
  const counts = (): readonly number[] => stages.map(({ slices }) => slices.length);
  expect(counts()).toEqual([1, 1, 0]);
  loop.endTurn();
  // The third, which waited, and the first, which asked next.
  expect(counts()).toEqual([2, 1, 1]);
  for (let turn = 0; turn < 5; turn += 1) {
    loop.endTurn();
    await settled();
  }
  for (const { slices } of stages) expect(slices).toEqual([256, 256, 188]);
  await ended;
});

it("counts what was read of a stranger until all of it is through, or it is trusted", async () => {
  const { loop, arriving, waiting, is } = stage();
  arriving.write(Buffer.alloc(300));
  await settled();
  expect(waiting.sum).toBe(300);
  // Comes while the slice before waits for what became of it.
  arriving.write(Buffer.alloc(700));
  await settled();
  expect(waiting.sum).toBe(744);
  for (let turn = 0; turn < 8; turn += 1) {
    loop.endTurn();
    await settled();
  }
  expect(waiting.sum).toBe(0);
  arriving.write(Buffer.alloc(1_000));
  await settled();
  expect(waiting.sum).toBe(1_000);
  is("trusted");
  loop.endTurn();
  await settled();
  expect(waiting.sum).toBe(0);
});

it("gives what a trusted client sends as it came, also what waited for a turn", async () => {
  const { loop, arriving, slices, is } = stage();
  arriving.write(Buffer.alloc(10_000));
  await settled();
  is("trusted");
  loop.endTurn();
  arriving.write(Buffer.alloc(20_000));
  await settled();
  expect(slices).toEqual([256, 9_744, 20_000]);
});

it("gives nothing of what comes behind a refusal", async () => {
  const { loop, arriving, sliced, slices, is } = stage();
  sliced.once("data", () => process.nextTick(is, "sentAway"));
  arriving.write(Buffer.alloc(10_000));
  for (let turn = 0; turn < 5; turn += 1) {
    await settled();
    loop.endTurn();
  }
  expect(slices).toEqual([256]);
});

it("reads on only as HTTP/2 takes what came, and then goes on by itself", async () => {
  const { loop, arriving, sliced, slices, is } = stage();
  is("trusted");
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
  expect(all.slices).toEqual([256]);
});
