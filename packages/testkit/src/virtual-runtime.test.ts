import { systemTimers } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { createVirtualRuntime } from "./index.js";

describe("virtual timers", () => {
  it("fires by time, then by the order they were set", async () => {
    const virtual = createVirtualRuntime({ seed: 1 });
    const { timers } = virtual.runtime;
    const fired: string[] = [];
    timers.after(20, () => fired.push(`late@${virtual.now()}`));
    timers.after(10, () => fired.push(`first@${virtual.now()}`));
    timers.after(10, () => fired.push(`second@${virtual.now()}`));
    timers.soon(() => fired.push(`soon@${virtual.now()}`));
    await virtual.advance(10);
    expect(fired).toEqual(["soon@0", "first@10", "second@10"]);
    expect(virtual.pendingTimers).toBe(1);
    await virtual.advance(9.5);
    expect(fired).toHaveLength(3);
    await virtual.advance(0.5);
    expect(fired.at(-1)).toBe("late@20");
    expect(virtual.now()).toBe(20);
  });

  it("keeps the order through a heap full of cancelled timers", async () => {
    const virtual = createVirtualRuntime({ seed: 1 });
    const random = virtual.random("delays");
    const fired: number[] = [];
    for (let round = 0; round < 5000; round += 1) {
      const delay = Math.floor(random.next() * 100);
      const timer = virtual.runtime.timers.after(delay, () => fired.push(delay));
      if (round % 10 !== 0) timer.cancel();
    }
    expect(virtual.pendingTimers).toBe(500);
    await virtual.advance(100);
    expect(fired).toHaveLength(500);
    expect(fired).toEqual(fired.toSorted((a, b) => a - b));
  });

  it("lets promise jobs settle between two timers that are due together, however long the chain", async () => {
    const virtual = createVirtualRuntime({ seed: 1 });
    const seen: string[] = [];
    virtual.runtime.timers.after(5, () => {
      void (async () => {
        for (let hop = 0; hop < 100; hop += 1) await Promise.resolve();
        seen.push("jobs done");
      })();
    });
    virtual.runtime.timers.after(5, () => seen.push("next timer"));
    await virtual.advance(5);
    expect(seen).toEqual(["jobs done", "next timer"]);
  });

  it("runs timers set by the promise jobs of others within the same advance", async () => {
    const virtual = createVirtualRuntime({ seed: 1 });
    const wait = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        virtual.runtime.timers.after(ms, resolve);
      });
    const times: number[] = [];
    const looping = (async () => {
      for (let round = 0; round < 3; round += 1) {
        await wait(10);
        times.push(virtual.now());
      }
    })();
    await virtual.advance(30);
    await looping;
    expect(times).toEqual([10, 20, 30]);
  });

  it("rejects with what a callback throws, and goes on afterwards", async () => {
    const virtual = createVirtualRuntime({ seed: 1 });
    virtual.runtime.timers.after(1, () => {
      throw new Error("broken callback");
    });
    await expect(virtual.advance(1)).rejects.toThrow("broken callback");
    await virtual.advance(1);
    expect(virtual.now()).toBe(2);
  });

  it("refuses to be moved from two places at once", async () => {
    const virtual = createVirtualRuntime({ seed: 1 });
    const first = virtual.advance(1);
    await expect(virtual.advance(1)).rejects.toThrow("already being moved");
    await first;
  });
});

describe("running until", () => {
  it("stops at the moment the predicate holds", async () => {
    const virtual = createVirtualRuntime({ seed: 1 });
    let done = false;
    virtual.runtime.timers.after(70, () => (done = true));
    virtual.runtime.timers.after(80, () => {});
    expect(await virtual.runUntil(() => done, { timeoutMs: 1000 })).toBe(true);
    expect(virtual.now()).toBe(70);
  });

  it("gives up at the deadline, exactly", async () => {
    const virtual = createVirtualRuntime({ seed: 1 });
    let fired = false;
    virtual.runtime.timers.after(100, () => (fired = true));
    expect(await virtual.runUntil(() => fired, { timeoutMs: 99 })).toBe(false);
    expect(virtual.now()).toBe(99);
    expect(await virtual.runUntil(() => fired, { timeoutMs: 1 })).toBe(true);
  });

  it("finds out when nothing is left to do, and when there always is", async () => {
    const virtual = createVirtualRuntime({ seed: 1 });
    virtual.runtime.timers.after(10, () => {});
    expect(await virtual.runUntilIdle({ timeoutMs: 1000 })).toBe(true);
    expect(virtual.now()).toBe(10);
    const beat = (): void => void virtual.runtime.timers.after(20, beat);
    beat();
    expect(await virtual.runUntilIdle({ timeoutMs: 1000 })).toBe(false);
  });
});

describe("hosts", () => {
  it("fall silent when killed, and stay silent", async () => {
    const virtual = createVirtualRuntime({ seed: 1 });
    const [doomed, other] = [virtual.host("doomed"), virtual.host("other")];
    const heard: string[] = [];
    let killed = 0;
    doomed.onKill(() => (killed += 1));
    doomed.runtime.timers.after(10, () => heard.push("doomed"));
    other.runtime.timers.after(10, () => heard.push("other"));
    doomed.kill();
    doomed.kill();
    doomed.runtime.timers.after(1, () => heard.push("from the grave"));
    doomed.runtime.timers.soon(() => heard.push("from the grave"));
    await virtual.advance(100);
    expect(heard).toEqual(["other"]);
    expect([doomed.alive, other.alive, killed, virtual.pendingTimers]).toEqual([false, true, 1, 0]);
    doomed.onKill(() => (killed += 1));
    expect(killed).toBe(2);
  });

  it("come back as the next incarnation, with other random draws", () => {
    const virtual = createVirtualRuntime({ seed: 1 });
    const [first, second] = [virtual.host("agent"), virtual.host("agent")];
    expect([first.incarnation, second.incarnation]).toEqual([1, 2]);
    expect(first.runtime.random.uuid()).not.toBe(second.runtime.random.uuid());
  });

  it("have wall clocks that skew and jump while monotonic time does not notice", async () => {
    const virtual = createVirtualRuntime({ seed: 1, startWallTimeMs: 1_000_000 });
    const [skewed, exact] = [virtual.host("skewed", { wallSkewMs: -500 }), virtual.host("exact")];
    await virtual.advance(100);
    expect(skewed.runtime.clock.wallTime()).toBe(999_600);
    exact.jumpWallTime(-60_000);
    virtual.jumpWallTime(1000);
    expect(skewed.runtime.clock.wallTime()).toBe(1_000_600);
    expect(exact.runtime.clock.wallTime()).toBe(941_100);
    expect(exact.runtime.clock.now()).toBe(100);
  });
});

describe("repeatability", () => {
  const draws = (seed: number): readonly unknown[] => {
    const virtual = createVirtualRuntime({ seed });
    return [
      virtual.runtime.random.uuid(),
      virtual.host("a").runtime.random.next(),
      virtual.random("x").next(),
    ];
  };

  it("gives the same draws for the same seed, others for another", () => {
    expect(draws(7)).toEqual(draws(7));
    expect(draws(8)).not.toEqual(draws(7));
  });
});

it("lets the real event loop have a turn now and then in a long run", async () => {
  const virtual = createVirtualRuntime({ seed: 1 });
  let turned = false;
  systemTimers.soon(() => (turned = true));
  const tick = (): void => void virtual.runtime.timers.after(1, tick);
  tick();
  await virtual.advance(1000);
  expect(turned).toBe(false);
  await virtual.advance(100);
  expect(turned).toBe(true);
});
