import { expect, test } from "vitest";
import { SendStall } from "./send-stall.js";
import { agentIn, brief, principalIn } from "./testing/sessions.js";

test("a full buffer that nothing leaves is stuck at its limit, and not before", () => {
  const stall = new SendStall(1_000);
  expect(stall.nextAt()).toBeUndefined();
  stall.observe({ bufferedBytes: 2_000 }, 100);
  stall.observe({ bufferedBytes: 2_500 }, 600);
  expect(stall.nextAt()).toBe(1_100);
  expect(stall.isStuck(1_099)).toBe(false);
  expect(stall.isStuck(1_100)).toBe(true);
});

test("each byte that leaves is progress, and room ends it", () => {
  const stall = new SendStall(1_000);
  stall.observe({ bufferedBytes: 2_000 }, 0);
  stall.observe({ bufferedBytes: 1_999 }, 900);
  // A heartbeat was added, and as much of it as of anything else has left since.
  stall.observe({ bufferedBytes: 2_100 }, 900);
  stall.observe({ bufferedBytes: 2_099 }, 1_800);
  expect(stall.isStuck(2_799)).toBe(false);
  stall.observe(undefined, 2_000);
  expect([stall.isStuck(9_000), stall.nextAt()]).toEqual([false, undefined]);
});

test("what leaves of a large write is progress, although the buffer counts that write until it is through", () => {
  const stall = new SendStall(1_000);
  for (let nowMs = 0; nowMs < 100_000; nowMs += 500) {
    stall.observe({ bufferedBytes: 2_000_000, sentBytes: nowMs }, nowMs);
    expect(stall.isStuck(nowMs)).toBe(false);
  }
  stall.observe({ bufferedBytes: 2_000_000, sentBytes: 99_500 }, 100_499);
  expect(stall.isStuck(100_499)).toBe(false);
  expect(stall.isStuck(100_500)).toBe(true);
});

test("where nobody knows what has left, that is no progress", () => {
  const stall = new SendStall(1_000);
  stall.observe({ bufferedBytes: 2_000, sentBytes: 7 }, 0);
  stall.observe({ bufferedBytes: 2_000, sentBytes: undefined }, 500);
  stall.observe({ bufferedBytes: 2_000, sentBytes: 9 }, 900);
  expect(stall.nextAt()).toBe(1_000);
});

test.each([
  ["an agent", () => agentIn("open")],
  ["a principal", () => principalIn("open")],
])("%s closes with 4007 on a peer that sends heartbeats and reads nothing", (_, make) => {
  const session = make();
  const start = 0;
  let closedAt: number | undefined;
  for (let nowMs = start; nowMs < 400_000 && closedAt === undefined; nowMs += 1_000) {
    session.heard(nowMs);
    session.sending({ bufferedBytes: 2_000_000 }, nowMs);
    expect(session.nextWakeAt()).toBeDefined();
    const said = brief(session.wake(nowMs, 0));
    if (said.some((output) => output.includes("4007"))) closedAt = nowMs;
  }
  expect(closedAt).toBeGreaterThanOrEqual(60_000);
  expect(closedAt).toBeLessThanOrEqual(121_000);
});
