import { silentLogger, systemRuntime, type Runtime } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { expect, it } from "vitest";
import { createAgent } from "./create-agent.js";
import { resolveOptions } from "./resolve-options.js";

const dialer = { transport: "none", dial: () => Promise.reject(new Error("nobody is there")) };

it("counts the log lines that are left out, and tells the observer of each", () => {
  let lines = 0;
  let told = 0;
  const { runtime, suppressedLogLines } = resolveOptions({
    name: "one",
    store: createMemoryStore(),
    dialer,
    observer: { logLineSuppressed: () => (told += 1) },
    runtime: {
      ...systemRuntime({ ...silentLogger, warn: () => (lines += 1) }),
      clock: { now: () => 0, wallTime: () => 0 },
    },
  });
  for (let line = 0; line < 30; line += 1) runtime.logger.warn({ code: "handler_failed" }, "again");
  expect([lines, told, suppressedLogLines()]).toEqual([10, 20, 20]);
  expect(createAgent({ name: "one", store: createMemoryStore(), dialer }).suppressedLogLines).toBe(0);
});

it.each([
  [{ hanlders: {} }, /no option "hanlders"/],
  [{ handlers: { lamp: { apply() {}, delete() {} } } }, /"lamp" is no kind/],
  [{ handlers: { Lamp: { apply() {} } } }, /Lamp needs a function delete/],
  [{ store: undefined }, /store/],
  [{ reconnect: { maxMs: 1 } }, /no option "maxMs"/],
  [{ resend: { maxTimeoutMs: 1_000 } }, /initialTimeoutMs/],
  [{ timing: { heartbeatMs: 1 } }, /no option "heartbeatMs"/],
  [{ dialer: [] }, /dialer/],
])("refuses what makes no sense as soon as it is given: %j", (options, message) => {
  const given: unknown = { name: "one", store: createMemoryStore(), dialer, ...options };
  expect(() => createAgent(given as Parameters<typeof createAgent>[0])).toThrow(
    expect.objectContaining({ code: "invalid_config", message: expect.stringMatching(message) as string }),
  );
});

const real = systemRuntime();

/** Nothing of it is its own property. */
class RuntimeOfAClass implements Runtime {
  get clock() {
    return real.clock;
  }
  get timers() {
    return real.timers;
  }
  get random() {
    return real.random;
  }
  get logger() {
    return real.logger;
  }
}

it("a runtime of a class is taken with all its parts", () => {
  const runtime = new RuntimeOfAClass();
  const resolved = resolveOptions({ name: "one", store: createMemoryStore(), dialer, runtime });
  expect(resolved.runtime).toMatchObject({ clock: real.clock, timers: real.timers, random: real.random });
});
