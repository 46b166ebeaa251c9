import { expect, it } from "vitest";
import { handTimers } from "./testing/hand-timers.js";
import { pause } from "./pause.js";

it("ends when the time is over, and not before", async () => {
  const timers = handTimers();
  let ended = false;
  const paused = pause(timers, 10).then(() => (ended = true));
  await Promise.resolve();
  expect(ended).toBe(false);
  timers.fire();
  await paused;
  expect(timers.set.size).toBe(0);
});

it("ends when its signal is aborted, before or during the wait, and leaves no timer", async () => {
  const timers = handTimers();
  const abort = new AbortController();
  const paused = pause(timers, 10, abort.signal);
  expect(timers.set.size).toBe(1);
  abort.abort();
  await paused;
  await pause(timers, 10, abort.signal);
  expect(timers.set.size).toBe(0);
});
