import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { afterAll, expect } from "vitest";

// Test files share a process. A file that leaves a faked timer behind makes a later one hang, and
// that one is not to blame: so each file answers for itself.
afterAll(() => {
  expect(globalThis.setTimeout, "a test left setTimeout replaced").toBe(setTimeout);
  expect(globalThis.clearTimeout, "a test left clearTimeout replaced").toBe(clearTimeout);
  expect(globalThis.setImmediate, "a test left setImmediate replaced").toBe(setImmediate);
});
