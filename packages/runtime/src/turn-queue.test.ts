import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type { Clock } from "./clock.js";
import type { Timers } from "./timers.js";
import { TurnQueue } from "./turn-queue.js";

/** An event loop whose turns the test ends. */
class Loop implements Timers {
  nowMs = 0;
  readonly timers: Timers = this;
  readonly clock: Clock = { now: () => this.nowMs, wallTime: () => this.nowMs };
  #due: (() => void)[] = [];

  soon(callback: () => void): { cancel: () => void } {
    this.#due.push(callback);
    return { cancel: () => {} };
  }

  after(): never {
    throw new Error("turns are not timed");
  }

  endTurn(): boolean {
    const due = this.#due.splice(0);
    for (const callback of due) callback();
    return due.length > 0;
  }
}

it("takes so many steps in a turn, the first at once, and all of them in the end, in order", () => {
  const loop = new Loop();
  const queue = new TurnQueue(loop, { perTurn: 3 });
  const taken: number[] = [];
  for (let n = 1; n <= 8; n += 1) queue.run(() => void taken.push(n));
  expect(taken).toEqual([1, 2, 3]);
  loop.endTurn();
  // Behind those that wait.
  queue.run(() => void taken.push(9));
  expect(taken).toEqual([1, 2, 3, 4, 5, 6]);
  loop.endTurn();
  expect(taken).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  while (loop.endTurn());
  queue.run(() => void taken.push(10));
  expect(taken.at(-1)).toBe(10);
});

it("where a turn takes long, the next one takes as many steps as make 200 a second, and no turn more than 25", () => {
  const loop = new Loop();
  const queue = new TurnQueue(loop, { perTurn: 4 });
  let taken = 0;
  for (let n = 0; n < 100; n += 1) queue.run(() => void (taken += 1));
  const takenAfter = (ms: number): number => {
    const before = taken;
    loop.nowMs += ms;
    loop.endTurn();
    return taken - before;
  };
  expect([1, 20, 50, 10_000, 1].map(takenAfter)).toEqual([4, 4, 10, 25, 4]);
});

it("steps of unlike size share the turn by it, and one that is larger than a turn is taken all the same", () => {
  const loop = new Loop();
  const queue = new TurnQueue(loop, { perTurn: 100, perSecond: 20_000 });
  const taken: number[] = [];
  for (const size of [60, 60, 1_000, 10, 30, 80, 500, 500]) queue.run(() => void taken.push(size), size);
  expect(taken).toEqual([60, 60]);
  loop.endTurn();
  expect(taken.splice(0)).toEqual([60, 60, 1_000]);
  loop.endTurn();
  expect(taken.splice(0)).toEqual([10, 30, 80]);
  loop.nowMs += 30;
  loop.endTurn();
  expect(taken).toEqual([500, 500]);
});

it("a step that asks for another one has it taken as well", () => {
  const loop = new Loop();
  const queue = new TurnQueue(loop, { perTurn: 1 });
  const taken: string[] = [];
  queue.run(() => {
    taken.push("outer");
    queue.run(() => void taken.push("inner"));
  });
  loop.endTurn();
  expect(taken).toEqual(["outer", "inner"]);
});

it("lets go of what was taken while others wait", async () => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("V8 does not collect on demand");
  const loop = new Loop();
  const queue = new TurnQueue(loop, { perTurn: 1 });
  const left: WeakRef<object>[] = [];
  const step = (): (() => void) => {
    const held = { bytes: new Uint8Array(8) };
    left.push(new WeakRef(held));
    return () => void held.bytes.length;
  };
  for (let n = 0; n < 20; n += 1) queue.run(step());
  for (let n = 0; n < 10; n += 1) loop.endTurn();
  // A weak reference holds its object to the end of the turn that made it.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(left.filter((ref) => ref.deref() !== undefined).length).toBeLessThanOrEqual(10);
});
