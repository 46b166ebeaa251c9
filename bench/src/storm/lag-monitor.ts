import { monitorEventLoopDelay, type IntervalHistogram } from "node:perf_hooks";
import type { EventLoopLag } from "./storm-commands.js";

const RESOLUTION_MS = 10;
const NS_PER_MS = 1_000_000;

/** How much later than its time a timer of 10 ms fires, since this was made: the delay that anything else in this process suffers as well. */
export class LagMonitor {
  readonly #histogram: IntervalHistogram;

  constructor() {
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
  }

  read(): EventLoopLag {
    return { p99Ms: late(this.#histogram.percentile(99)), maxMs: late(this.#histogram.max) };
  }
}

/** The histogram holds the whole time between two runs of the timer. */
function late(betweenNs: number): number {
  return Math.max(0, betweenNs / NS_PER_MS - RESOLUTION_MS);
}
