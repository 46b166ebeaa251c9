import { expect, test } from "vitest";
import { SendStall } from "./send-stall.js";
import { agentIn, brief, principalIn } from "./testing/sessions.js";

test("a full buffer that nothing leaves is stuck at its limit, and not before", () => {
  const stall = new SendStall(1_000);
  expect(stall.nextAt()).toBeUndefined();
  stall.observe(2_000, 100);
  stall.observe(2_500, 600);
  expect(stall.nextAt()).toBe(1_100);
  expect(stall.isStuck(1_099)).toBe(false);
  expect(stall.isStuck(1_100)).toBe(true);
});

test("each byte that leaves is progress, and room ends it", () => {
  const stall = new SendStall(1_000);
  stall.observe(2_000, 0);
  stall.observe(1_999, 900);
  // A heartbeat was added, and as much of it as of anything else has left since.
  stall.observe(2_100, 900);
  stall.observe(2_099, 1_800);
  expect(stall.isStuck(2_799)).toBe(false);
  stall.observe(undefined, 2_000);
  expect([stall.isStuck(9_000), stall.nextAt()]).toEqual([false, undefined]);
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
    session.sending(2_000_000, nowMs);
    expect(session.nextWakeAt()).toBeDefined();
    const said = brief(session.wake(nowMs, 0));
    if (said.some((output) => output.includes("4007"))) closedAt = nowMs;
  }
  expect(closedAt).toBeGreaterThanOrEqual(60_000);
  expect(closedAt).toBeLessThanOrEqual(121_000);
});
