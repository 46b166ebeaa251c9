import { expect, it } from "vitest";
import { SourceFailures } from "./source-failures.js";

const PER_SECOND = 10;
const SOURCE = "192.0.2.1";

/** Lets in whoever may, each of whom comes to what `outcome` says at once; answers how many that were within so many seconds. */
function letIn(
  failures: SourceFailures<object>,
  seconds: number,
  outcome: "failed" | "settled",
  fromMs = 0,
): number {
  let count = 0;
  for (let nowMs = fromMs; nowMs < fromMs + seconds * 1_000; nowMs += 10) {
    // More than that, nobody lets in at once.
    for (let n = 0; n < 5 && failures.readyAtMs(SOURCE, nowMs) <= nowMs; n += 1) {
      const client = {};
      failures.admitted(client, SOURCE, nowMs);
      if (outcome === "failed") failures.failed(client, SOURCE, nowMs);
      failures.settled(client);
      count += 1;
    }
  }
  return count;
}

it("a source whose connections all fail is let in as fast as it may fail, after a burst", () => {
  const failures = new SourceFailures<object>(PER_SECOND);
  expect(letIn(failures, 10, "failed")).toBeLessThanOrEqual(2 * PER_SECOND + 10 * PER_SECOND);
  expect(letIn(failures, 10, "failed", 10_000)).toBe(10 * PER_SECOND);
  expect(failures.slowed(20_000 - 1)).toBe(1);
});

it("connections that succeed cost nothing, and neither does another source", () => {
  const failures = new SourceFailures<object>(PER_SECOND);
  expect(letIn(failures, 1, "settled")).toBe(500);
  letIn(failures, 3, "failed", 1_000);
  expect(failures.readyAtMs("192.0.2.2", 4_000)).toBe(4_000);
  expect(failures.slowed(4_000 + 3_000)).toBe(0);
  expect(letIn(failures, 1, "settled", 7_000)).toBe(500);
});

it("those under way count against what is left, so that not all who wait come in at once", () => {
  const failures = new SourceFailures<object>(PER_SECOND);
  letIn(failures, 5, "failed");
  const nowMs = 5_500;
  let underWay = 0;
  while (failures.readyAtMs(SOURCE, nowMs) <= nowMs && underWay < 100) {
    failures.admitted({}, SOURCE, nowMs);
    underWay += 1;
  }
  expect(underWay).toBeLessThanOrEqual(PER_SECOND);
});

it("however many fail together, nobody waits for more than a second", () => {
  const failures = new SourceFailures<object>(PER_SECOND);
  for (let n = 0; n < 1_000; n += 1) failures.failed({}, SOURCE, 0);
  expect(failures.readyAtMs(SOURCE, 0)).toBeLessThanOrEqual(1_000 + 1_000 / PER_SECOND);
});

it("a source of a bounded number is remembered", () => {
  const failures = new SourceFailures<object>(PER_SECOND);
  for (let n = 0; n < 10_001; n += 1)
    for (let times = 0; times <= 2 * PER_SECOND; times += 1) failures.failed({}, `source-${n}`, 0);
  expect(failures.slowed(0)).toBe(10_000);
});
