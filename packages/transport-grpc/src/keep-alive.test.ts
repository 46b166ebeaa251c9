import { EventEmitter } from "node:events";
import type { HawserError } from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";
import { expect, it } from "vitest";
import { keepAlive, type PingedSession } from "./keep-alive.js";

/** One timer at a time, fired by hand. */
function handTimers() {
  let pending: { readonly delayMs: number; readonly callback: () => void } | undefined;
  const timers: Timers = {
    after(delayMs, callback) {
      const timer = { delayMs, callback };
      pending = timer;
      return {
        cancel: () => {
          if (pending === timer) pending = undefined;
        },
      };
    },
    soon: (callback) => timers.after(0, callback),
  };
  const fire = (): void => {
    const timer = pending;
    pending = undefined;
    timer?.callback();
  };
  return { timers, fire, delay: () => pending?.delayMs };
}

class FakeSession extends EventEmitter {
  closed = false;
  destroyed = false;
  pings = 0;
  answers = true;
  ping(...args: unknown[]): boolean {
    this.pings += 1;
    const callback = args.at(-1);
    if (this.answers && typeof callback === "function") callback(null, 1, Buffer.alloc(8));
    return true;
  }
}

function world(intervalMs: number) {
  const session = new FakeSession();
  const hand = handTimers();
  const deaths: HawserError[] = [];
  const line = { bytesRead: 0 };
  keepAlive(session as unknown as PingedSession, {
    intervalMs,
    timers: hand.timers,
    bytesRead: () => line.bytesRead,
    onDead: (error) => deaths.push(error),
  });
  return { session, deaths, line, ...hand };
}

it("pings at the interval for as long as answers come", () => {
  const { session, deaths, fire, delay } = world(20_000);
  for (let round = 1; round <= 5; round += 1) {
    expect(delay()).toBe(20_000);
    fire();
    expect(session.pings).toBe(round);
  }
  expect(deaths).toEqual([]);
});

it("gives up when a ping is unanswered as the next comes due", () => {
  const { session, deaths, fire, delay } = world(20_000);
  session.answers = false;
  fire();
  expect(deaths).toEqual([]);
  fire();
  expect(deaths).toMatchObject([{ code: "timeout" }]);
  expect([session.pings, delay()]).toEqual([1, undefined]);
});

it("waits for an answer behind whatever else still comes, without another ping, and gives up when nothing does", () => {
  const { session, deaths, line, fire } = world(20_000);
  session.answers = false;
  line.bytesRead = 100;
  fire();
  for (let round = 0; round < 5; round += 1) {
    line.bytesRead += 1;
    fire();
  }
  expect([session.pings, deaths]).toEqual([1, []]);
  fire();
  expect(deaths).toMatchObject([{ code: "timeout" }]);
});

it("stops when the session closes, and never starts at 0", () => {
  const { session, delay } = world(20_000);
  session.emit("close");
  expect(delay()).toBeUndefined();
  expect(world(0).delay()).toBeUndefined();
});
