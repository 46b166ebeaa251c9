import { expect, it } from "vitest";
import type { Timers } from "./timers.js";
import { TurnQueue } from "./turn-queue.js";

/** An event loop whose turns the test ends. */
class Loop implements Timers {
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
  const queue = new TurnQueue(loop, 3);
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

it("a step that asks for another one has it taken as well", () => {
  const loop = new Loop();
  const queue = new TurnQueue(loop, 1);
  const taken: string[] = [];
  queue.run(() => {
    taken.push("outer");
    queue.run(() => void taken.push("inner"));
  });
  loop.endTurn();
  expect(taken).toEqual(["outer", "inner"]);
});
