import { systemTimers } from "@hawser/runtime";
import { Registry } from "prom-client";
import { expect, it, onTestFinished } from "vitest";
import { ReadCounter, ReadGauge, Turns } from "./read-metrics.js";

/** What is thrown out of an event or a timer would end this process, and the test run with it. */
function thrower(): never {
  throw new Error("a fault of the observer");
}

it.each([ReadCounter, ReadGauge])(
  "a metric that cannot be read fails its scrape, and nothing else",
  async (Metric) => {
    const unhandled: unknown[] = [];
    const note = (thrown: unknown): void => void unhandled.push(thrown);
    process.on("unhandledRejection", note);
    onTestFinished(() => void process.off("unhandledRejection", note));
    const turns = new Turns();
    const parts = { help: "x", labelNames: [], turns };
    const read = [thrower, () => Promise.reject(new Error("a fault of the store"))];
    for (const each of read) {
      const registry = new Registry();
      const broken = new Metric({ name: "broken", ...parts, read: each });
      registry.registerMetric(broken as never);
      await expect(registry.metrics()).rejects.toThrow("a fault");
    }
    await new Promise<void>((resolve) => void systemTimers.soon(resolve));
    expect(unhandled).toEqual([]);
    const well = new Metric({ name: "well", ...parts, read: () => [{ labels: {}, value: 7 }] });
    expect(await well.get()).toMatchObject({ values: [{ value: 7 }] });
  },
);
