import { systemTimers, type Timers } from "@hawser/runtime";
import { expect, test } from "vitest";
import type { Attempt } from "./attempt.js";
import { ATTEMPT_DELAY_MS, connectFirst } from "./connect-first.js";

/** Timers that run when the test says so. */
function manualTimers() {
  let due: (() => void) | undefined;
  const timers: Timers = {
    after(delayMs, callback) {
      expect(delayMs).toBe(ATTEMPT_DELAY_MS);
      due = callback;
      return { cancel: () => (due === callback ? (due = undefined) : undefined) };
    },
    soon: () => ({ cancel: () => {} }),
  };
  return { timers, pending: () => due !== undefined, fire: () => due?.() };
}

function stage(addresses: readonly string[], signal?: AbortSignal) {
  const time = manualTimers();
  const attempts = new Map<string, { resolve: () => void; reject: (why: string) => void }>();
  const abandoned: string[] = [];
  const result = connectFirst(
    addresses,
    (address): Attempt<string> => ({
      connected: new Promise((resolve, reject) => {
        attempts.set(address, {
          resolve: () => resolve(`socket to ${address}`),
          reject: (why) => reject(new Error(why)),
        });
      }),
      abandon: () => void abandoned.push(address),
    }),
    { timers: time.timers, signal },
  );
  result.catch(() => {});
  return { ...time, attempts, abandoned, result };
}

const settle = (): Promise<void> => new Promise((resolve) => systemTimers.soon(resolve));

test("a slow first address and a dead second one still lead to a connection", async () => {
  const { attempts, fire, result, abandoned, pending } = stage(["slow", "dead"]);
  fire();
  attempts.get("dead")?.reject("ECONNREFUSED");
  await settle();
  attempts.get("slow")?.resolve();
  expect(await result).toEqual({ socket: "socket to slow", address: "slow" });
  expect(abandoned).toEqual([]);
  expect(pending()).toBe(false);
});

test("the next address is tried at once when one has failed, without waiting", async () => {
  const { attempts, result } = stage(["dead", "good"]);
  expect([...attempts.keys()]).toEqual(["dead"]);
  attempts.get("dead")?.reject("ECONNREFUSED");
  await settle();
  expect([...attempts.keys()]).toEqual(["dead", "good"]);
  attempts.get("good")?.resolve();
  expect((await result).address).toBe("good");
});

test("whoever comes second is closed", async () => {
  const { attempts, fire, result, abandoned } = stage(["slow", "fast"]);
  fire();
  attempts.get("fast")?.resolve();
  expect((await result).address).toBe("fast");
  expect(abandoned).toEqual(["slow"]);
});

test("when all fail, each says why", async () => {
  const { attempts, result } = stage(["10.0.0.1", "10.0.0.2"]);
  attempts.get("10.0.0.1")?.reject("ECONNREFUSED");
  await settle();
  attempts.get("10.0.0.2")?.reject("EHOSTUNREACH");
  await expect(result).rejects.toMatchObject({
    code: "connection_failed",
    message: "10.0.0.1: ECONNREFUSED; 10.0.0.2: EHOSTUNREACH",
  });
});

test("no address at all is a failure", async () => {
  await expect(stage([]).result).rejects.toMatchObject({ code: "connection_failed" });
});

test("given up, it leaves nothing behind", async () => {
  const giveUp = new AbortController();
  const { fire, result, abandoned, pending } = stage(["a", "b", "c"], giveUp.signal);
  fire();
  giveUp.abort();
  await expect(result).rejects.toMatchObject({ code: "aborted" });
  expect(abandoned).toEqual(["a", "b"]);
  expect(pending()).toBe(false);
});

test("an address that is refused before anything is tried is a failed attempt, also in its turn", async () => {
  const { timers, fire } = manualTimers();
  const connecting = connectFirst(
    ["slow", "bad", "worse"],
    (address): Attempt<string> => {
      if (address !== "slow") throw new RangeError(`no such address: ${address}`);
      return {
        connected: new Promise((_, reject) => void systemTimers.soon(() => reject(new Error("nobody")))),
        abandon: () => {},
      };
    },
    { timers },
  );
  fire();
  await expect(connecting).rejects.toThrow(
    "bad: no such address: bad; worse: no such address: worse; slow: nobody",
  );
});
