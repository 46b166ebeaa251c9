import { systemClock, systemTimers } from "@hawser/runtime";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KeepAlive } from "./keep-alive.js";

const INTERVAL_MS = 20_000;

const timers = {
  now: () => systemClock.now(),
  advance: (ms: number) => vi.advanceTimersByTime(ms),
  get pending() {
    return vi.getTimerCount();
  },
};

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"],
  });
});

afterEach(() => {
  vi.useRealTimers();
});

function watched(intervalMs = INTERVAL_MS) {
  const peer = { bytes: 0, answers: true, paused: false, pings: 0, deaths: [] as number[] };
  const subject = new KeepAlive(intervalMs, systemTimers, {
    bytesRead: () => peer.bytes,
    isPaused: () => peer.paused,
    ping: () => {
      peer.pings += 1;
      if (peer.answers) peer.bytes += 2;
    },
    dead: (error) => {
      expect(error.code).toBe("timeout");
      peer.deaths.push(timers.now());
    },
  });
  subject.start();
  return { subject, peer };
}

describe("a peer that answers", () => {
  test("is pinged once an interval while it says nothing else, and is never given up", () => {
    const { peer } = watched();
    timers.advance(INTERVAL_MS * 100);
    expect(peer.pings).toBe(100);
    expect(peer.deaths).toEqual([]);
  });

  test("is not pinged as long as it says something within half an interval", () => {
    const { peer } = watched();
    for (let n = 0; n < 1_000; n += 1) {
      peer.bytes += 1;
      timers.advance(9_000);
    }
    expect([peer.pings, peer.deaths, timers.pending]).toEqual([0, [], 1]);
  });
});

describe("a peer that fell silent", () => {
  test.each([0, 1, 9_999, 10_000, 10_001, 15_000, 19_999, 20_000])(
    "%i ms into an interval is given up within two intervals",
    (atMs) => {
      const { peer } = watched();
      timers.advance(INTERVAL_MS * 3 + atMs);
      peer.answers = false;
      const since = timers.now();
      timers.advance(INTERVAL_MS * 10);
      expect(peer.deaths).toHaveLength(1);
      expect((peer.deaths[0] ?? 0) - since).toBeLessThanOrEqual(2 * INTERVAL_MS);
      expect((peer.deaths[0] ?? 0) - since).toBeGreaterThan(INTERVAL_MS / 2);
      expect(timers.pending).toBe(0);
    },
  );

  test("has a whole interval to answer a ping", () => {
    const { peer } = watched();
    peer.answers = false;
    timers.advance(INTERVAL_MS / 2);
    expect(peer.pings).toBe(1);
    timers.advance(INTERVAL_MS - 1);
    expect(peer.deaths).toEqual([]);
    peer.bytes += 1;
    timers.advance(1);
    expect(peer.deaths).toEqual([]);
  });

  test("is not given up while this side does not read", () => {
    const { peer } = watched();
    peer.answers = false;
    peer.paused = true;
    timers.advance(INTERVAL_MS * 10);
    expect(peer.deaths).toEqual([]);
    peer.paused = false;
    timers.advance(INTERVAL_MS * 2);
    expect(peer.deaths).toHaveLength(1);
  });
});

test("stopped, it keeps no timer", () => {
  const { subject, peer } = watched();
  subject.stop();
  expect(timers.pending).toBe(0);
  timers.advance(60_000);
  expect([peer.pings, peer.deaths]).toEqual([0, []]);
});

test("an interval of zero pings nobody and gives nobody up", () => {
  watched(0);
  expect(timers.pending).toBe(0);
});

describe("a connection that throws", () => {
  test.each(["bytesRead", "ping", "isPaused", "dead"] as const)("in %s is given up", (where) => {
    let isStarted = false;
    const deaths: string[] = [];
    const at = (name: string): void => {
      if (isStarted && name === where) throw new Error("a fault of the connection");
    };
    const subject = new KeepAlive(INTERVAL_MS, systemTimers, {
      bytesRead: () => (at("bytesRead"), 0),
      isPaused: () => (at("isPaused"), false),
      ping: () => at("ping"),
      dead: ({ code }) => {
        deaths.push(code);
        at("dead");
      },
    });
    subject.start();
    isStarted = true;
    timers.advance(10 * INTERVAL_MS);
    expect(deaths).toEqual([where === "dead" ? "timeout" : "internal"]);
    expect(timers.pending).toBe(0);
  });
});
