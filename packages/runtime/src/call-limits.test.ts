import { expect, it } from "vitest";
import { withinLimits, type CallLimits } from "./call-limits.js";
import { handTimers } from "./testing/hand-timers.js";
import type { Timers } from "./timers.js";

class GivenUp extends Error {
  constructor(
    readonly code: string,
    message: string,
    cause: unknown,
  ) {
    super(message, { cause });
  }
}

function call<T>(limits: CallLimits, work: () => Promise<T>, timers: Timers): Promise<T> {
  return withinLimits(limits, timers, (code, message, cause) => new GivenUp(code, message, cause), work);
}

it("answers as the work does, and leaves nothing behind", async () => {
  const timers = handTimers();
  const { signal } = new AbortController();
  await expect(call({ signal, timeoutMs: 5 }, () => Promise.resolve(7), timers)).resolves.toBe(7);
  await expect(
    call({ signal, timeoutMs: 5 }, () => Promise.reject(new Error("broken")), timers),
  ).rejects.toThrow("broken");
  expect(timers.set.size).toBe(0);
});

it("rejects with timeout when the time is over, and not before", async () => {
  const timers = handTimers();
  const answer = call({ timeoutMs: 5 }, () => new Promise(() => {}), timers);
  timers.fire();
  await expect(answer).rejects.toMatchObject({ code: "timeout", message: "no answer within 5 ms" });
});

it("rejects with aborted, its cause the signal's reason", async () => {
  const timers = handTimers();
  const abort = new AbortController();
  const answer = call({ signal: abort.signal, timeoutMs: 5 }, () => new Promise(() => {}), timers);
  abort.abort("shutting down");
  await expect(answer).rejects.toMatchObject({ code: "aborted", cause: "shutting down" });
  expect(timers.set.size).toBe(0);
});

it("begins nothing under a signal that is aborted already", async () => {
  let begun = false;
  const work = (): Promise<void> => {
    begun = true;
    return Promise.resolve();
  };
  await expect(call({ signal: AbortSignal.abort() }, work, handTimers())).rejects.toMatchObject({
    code: "aborted",
  });
  expect(begun).toBe(false);
});
