import { expect, it } from "vitest";
import { SteppedLoop } from "./stepped-loop.js";

it("calls back at the end of a turn, and what is asked for there at the end of the next", () => {
  const loop = new SteppedLoop();
  const called: string[] = [];
  loop.soon(() => {
    called.push("first");
    loop.soon(() => called.push("second"));
  });
  loop.soon(() => called.push("never")).cancel();
  expect(called).toEqual([]);
  expect(loop.endTurn()).toBe(true);
  expect(called).toEqual(["first"]);
  expect([loop.endTurn(), loop.endTurn()]).toEqual([true, false]);
  expect(called).toEqual(["first", "second"]);
});

it("calls timers at the end of the first turn that ends late enough", () => {
  const loop = new SteppedLoop();
  const called: number[] = [];
  loop.after(5, () => called.push(loop.clock.now()));
  loop.after(5, () => called.push(Number.NaN)).cancel();
  loop.endTurn(4);
  expect(called).toEqual([]);
  loop.endTurn(4);
  expect(called).toEqual([8]);
});
