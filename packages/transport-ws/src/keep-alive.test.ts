import { expect, test } from "vitest";
import { KeepAlive } from "./keep-alive.js";
import { ManualTimers } from "./testing/manual-timers.js";

function keepAlive(intervalMs: number) {
  const timers = new ManualTimers();
  const clock = { now: () => timers.now(), wallTime: () => 0 };
  let pings = 0;
  const subject = new KeepAlive(intervalMs, { clock, timers }, () => {
    pings += 1;
  });
  return { timers, subject, pings: () => pings };
}

test("a quiet connection is pinged at the interval, not before", () => {
  const { timers, pings } = keepAlive(20_000);
  timers.advance(19_999);
  expect(pings()).toBe(0);
  timers.advance(1);
  expect(pings()).toBe(1);
  timers.advance(40_000);
  expect(pings()).toBe(3);
});

test("an interval in which something was sent needs no ping, and one begins with what was sent last", () => {
  const { timers, subject, pings } = keepAlive(20_000);
  timers.advance(1);
  subject.alive();
  timers.advance(19_999);
  expect(pings()).toBe(0);
  timers.advance(1);
  expect(pings()).toBe(1);
  timers.advance(19_999);
  subject.alive();
  timers.advance(19_999);
  expect(pings()).toBe(1);
  timers.advance(1);
  expect(pings()).toBe(2);
});

test("however much is sent, one timer does", () => {
  const { timers, subject, pings } = keepAlive(20_000);
  for (let sent = 0; sent < 1_000; sent += 1) {
    subject.alive();
    timers.advance(100);
  }
  expect([pings(), timers.pending]).toEqual([0, 1]);
});

test("stopped, it keeps no timer", () => {
  const { timers, subject, pings } = keepAlive(20_000);
  subject.stop();
  expect(timers.pending).toBe(0);
  timers.advance(60_000);
  expect(pings()).toBe(0);
});

test("an interval of zero sends none", () => {
  expect(keepAlive(0).timers.pending).toBe(0);
});
