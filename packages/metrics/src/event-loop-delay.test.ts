import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { EventLoopDelay, type DelayMonitor } from "./event-loop-delay.js";

const MS = 1_000_000;

/** A monitor that has seen these, in milliseconds, each with the 10 ms it looks after. */
class SeenDelays implements DelayMonitor {
  #seen: readonly number[] = [];

  see(delaysMs: readonly number[]): void {
    this.#seen = [...this.#seen, ...delaysMs.map((ms) => (ms + 10) * MS)].sort((one, other) => one - other);
  }

  get count(): number {
    return this.#seen.length;
  }

  get mean(): number {
    return this.#seen.reduce((sum, each) => sum + each, 0) / this.#seen.length;
  }

  percentile(percentile: number): number {
    const rank = Math.max(1, Math.round((percentile / 100) * this.#seen.length));
    return this.#seen[rank - 1] ?? 0;
  }

  reset(): void {
    this.#seen = [];
  }
}

it("counts each delay in its bucket, over all readings", async () => {
  const monitor = new SeenDelays();
  const registry = new Registry();
  registry.registerMetric(new EventLoopDelay(monitor));
  const read = async (): Promise<Record<string, number>> => {
    const lines = (await registry.metrics()).split("\n").filter((line) => line.startsWith("hawser_"));
    return Object.fromEntries(
      lines.map((line) => {
        const [name = "", value] = line.replace("hawser_event_loop_delay_seconds_", "").split(" ");
        return [/le="(.+)"/.exec(name)?.[1] ?? name, Number(value)];
      }),
    );
  };
  expect(await read()).toMatchObject({ "0.001": 0, "+Inf": 0, count: 0, sum: 0 });
  monitor.see([0, 1, 2, 30, 30, 700, 9_000]);
  expect(await read()).toMatchObject({
    "0.001": 2,
    "0.0025": 3,
    "0.025": 3,
    "0.05": 5,
    "0.5": 5,
    "1": 6,
    "5": 6,
    "+Inf": 7,
    count: 7,
    sum: expect.closeTo(9.763, 6) as number,
  });
  expect(await read()).toMatchObject({ "0.001": 2, count: 7 });
  monitor.see([0.5]);
  expect(await read()).toMatchObject({ "0.001": 3, "5": 7, "+Inf": 8, count: 8 });
});

it("reads the loop of this process", async () => {
  const registry = new Registry();
  registry.registerMetric(new EventLoopDelay());
  expect(await registry.metrics()).toMatch(/^hawser_event_loop_delay_seconds_count \d+$/m);
});
