import { describe, expect, it } from "vitest";
import { DrainWatcher, type DrainSource } from "./drain-watcher.js";
import { createWatched } from "./testing/watched.js";

function sourceOf(parts: Partial<DrainSource>): DrainSource {
  return {
    source: "elb",
    prepare: async () => {},
    round: async () => ({ kind: "draining", reason: "it goes" }),
    ...parts,
  };
}

describe("DrainWatcher", () => {
  it("tells once, even if what it tells throws", async () => {
    const { options, logged, world } = createWatched([]);
    let told = 0;
    const onDraining = () => {
      told += 1;
      throw new Error("not now");
    };
    const watcher = new DrainWatcher(sourceOf({}), { ...options, onDraining });
    await watcher.start();
    await world.advance(600_000);
    expect(told).toBe(1);
    expect(watcher.state).toEqual({
      kind: "draining",
      source: "elb",
      reason: "it goes",
      at: world.wallTime() - 600_000,
    });
    expect(logged.at(-1)).toBe("error the drain could not be begun");
    await watcher.stop();
  });

  it("started twice prepares once; stopped before its start it never looks", async () => {
    let prepared = 0;
    let looked = 0;
    const source = sourceOf({
      prepare: async () => void (prepared += 1),
      round: async () => {
        looked += 1;
        return { kind: "again", afterMs: 1_000 };
      },
    });
    const { options, world } = createWatched([]);
    const watcher = new DrainWatcher(source, options);
    await Promise.all([watcher.start(), watcher.start()]);
    await world.advance(0);
    expect([prepared, looked]).toEqual([1, 1]);
    await watcher.stop();

    const stopped = new DrainWatcher(source, options);
    await stopped.stop();
    await stopped.start();
    await world.advance(10_000);
    expect([looked, stopped.state.kind]).toEqual([1, "stopped"]);
  });

  it("a drain that is seen while it stops is not told", async () => {
    const { options, signals, world } = createWatched([]);
    let see = (): void => {};
    const seen = new Promise<void>((resolve) => (see = resolve));
    const watcher = new DrainWatcher(
      sourceOf({ round: () => seen.then(() => ({ kind: "draining", reason: "it goes" })) }),
      options,
    );
    await watcher.start();
    const stopped = watcher.stop();
    see();
    await stopped;
    await world.advance(0);
    expect([watcher.state.kind, signals.length]).toEqual(["stopped", 0]);
  });
});
