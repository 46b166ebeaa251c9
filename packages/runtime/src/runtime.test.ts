import { expect, test } from "vitest";
import { systemClock } from "./clock.js";
import { entryLogger } from "./entry-logger.js";
import { silentLogger } from "./logger.js";
import { systemRandom } from "./random.js";
import { systemRuntime, withLogger, type Runtime } from "./runtime.js";
import { systemTimers } from "./timers.js";

test("the real runtime is the real parts, and silent unless told otherwise", () => {
  const real = { clock: systemClock, timers: systemTimers, random: systemRandom };
  expect(systemRuntime()).toEqual({ ...real, logger: silentLogger });
  const logger = entryLogger("info", () => {});
  expect(systemRuntime(logger).logger).toBe(logger);
});

test("a runtime of a class keeps its parts with another logger", () => {
  class OfAClass implements Runtime {
    get clock() {
      return systemClock;
    }
    get timers() {
      return systemTimers;
    }
    get random() {
      return systemRandom;
    }
    get logger() {
      return silentLogger;
    }
  }
  const logger = entryLogger("info", () => {});
  expect(withLogger(new OfAClass(), logger)).toEqual({ ...systemRuntime(), logger });
});
