import { expect, test } from "vitest";
import { AgentRates, resolveAgentRates } from "./agent-rates.js";

const LIMITS = { eventsPerSecond: 100, bytesPerSecond: 10_000, controlsPerSecond: 1_000 };
const EVENT = { type: "com.example.command" };
const ACK = { type: "hawser.control.ack.v1" };

test("a second's worth may come at once; what comes on top has to be waited for", () => {
  const rates = new AgentRates(LIMITS, 0);
  for (let n = 0; n < 100; n += 1) expect(rates.spend(EVENT, 1, 0)).toBe(0);
  expect(rates.spend(EVENT, 1, 0)).toBe(10);
  expect(rates.spend(EVENT, 1, 0)).toBe(20);
  expect(rates.spend(EVENT, 1, 20)).toBe(10);
  // What was not used for long is no more than a second's worth.
  for (let n = 0; n < 100; n += 1) expect(rates.spend(EVENT, 1, 60_000)).toBe(0);
  expect(rates.spend(EVENT, 1, 60_000)).toBeGreaterThan(0);
});

test("control messages and bytes have rates of their own", () => {
  const rates = new AgentRates(LIMITS, 0);
  for (let n = 0; n < 1_000; n += 1) expect(rates.spend(ACK, 1, 0)).toBe(0);
  expect(rates.spend(ACK, 1, 0)).toBe(1);
  expect(rates.spend(EVENT, 1, 0)).toBe(0);
  expect(rates.spend(EVENT, 10_000, 0)).toBeCloseTo(100.2);
});

test("a rate of nothing is refused", () => {
  expect(() => resolveAgentRates({ bytesPerSecond: 0 })).toThrow("bytesPerSecond");
  expect(resolveAgentRates({ eventsPerSecond: 7 }).eventsPerSecond).toBe(7);
});
