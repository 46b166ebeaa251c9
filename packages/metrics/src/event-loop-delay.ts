import { monitorEventLoopDelay } from "node:perf_hooks";
import { Histogram } from "prom-client";

/** The part of `IntervalHistogram` (node:perf_hooks) that is read. In nanoseconds. */
export interface DelayMonitor {
  readonly count: number;
  readonly mean: number;
  percentile(percentile: number): number;
  reset(): void;
}

const NAME = "hawser_event_loop_delay_seconds";
const HELP = "How late the event loop came to what was due, looked at every 10 ms.";
/** How often the loop is asked whether it is late. What it answers holds this time as well. */
const RESOLUTION_MS = 10;
const NS_PER_S = 1_000_000_000;
/** In seconds: from what nobody notices to what ends sessions. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/**
 * How late the event loop was, as a histogram that adds up over time and over principals, which the percentiles of `nodejs_eventloop_lag_*` do not. The monitor keeps its own
 * fine buckets; they are read, exactly, when somebody asks, so that nothing is paid in between.
 */
export class EventLoopDelay extends Histogram {
  readonly #monitor: DelayMonitor;
  /** At or below each bound, so far. */
  readonly #counts = BOUNDS.map(() => 0);
  #count = 0;
  #sum = 0;

  constructor(monitor: DelayMonitor = startedMonitor()) {
    super({ name: NAME, help: HELP, buckets: BOUNDS, registers: [] });
    this.#monitor = monitor;
  }

  /** What a registry, and `get`, ask a histogram of prom-client for. */
  async getForPromString(): Promise<object> {
    this.#read();
    const value = (ending: string, count: number, labels = {}): object => ({
      metricName: `${NAME}_${ending}`,
      value: count,
      labels,
      sharedLabels: {},
    });
    return {
      name: NAME,
      help: HELP,
      type: "histogram",
      aggregator: "sum",
      values: [
        ...BOUNDS.map((le, index) => value("bucket", this.#counts[index] ?? 0, { le })),
        value("bucket", this.#count, { le: "+Inf" }),
        value("sum", this.#sum),
        value("count", this.#count),
      ],
    };
  }

  /** Adds what the monitor has seen since it was read last. */
  #read(): void {
    const { count, mean } = this.#monitor;
    if (count === 0) return;
    for (const [index, bound] of BOUNDS.entries()) {
      const below = countUpTo(this.#monitor, count, bound * NS_PER_S + RESOLUTION_MS * 1_000_000);
      this.#counts[index] = (this.#counts[index] ?? 0) + below;
    }
    this.#count += count;
    this.#sum += Math.max(0, (count * (mean - RESOLUTION_MS * 1_000_000)) / NS_PER_S);
    this.#monitor.reset();
  }
}

/** How many of them are at or below a bound, found by halves. */
function countUpTo(monitor: DelayMonitor, count: number, boundNs: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const rank = Math.ceil((low + high) / 2);
    if (monitor.percentile((rank / count) * 100) <= boundNs) low = rank;
    else high = rank - 1;
  }
  return low;
}

function startedMonitor(): DelayMonitor {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  monitor.enable();
  return monitor;
}
