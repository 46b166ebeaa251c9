import { parseMetrics, quantile, type Buckets, type Sample } from "./metrics-text.js";

/** Events per second since the look before. */
export interface Rates {
  readonly acceptedPerSecond: number;
  readonly sentPerSecond: number;
  readonly ackedPerSecond: number;
  readonly resentPerSecond: number;
}

export interface Traffic {
  readonly total: Rates;
  readonly byAgent: ReadonlyMap<string, Rates>;
  /** From sending to ACK, of events sent once, since the look before; undefined when none was acknowledged. */
  readonly ackP50Ms: number | undefined;
  readonly ackP99Ms: number | undefined;
}

const COUNTERS = {
  hawser_events_accepted_total: "acceptedPerSecond",
  hawser_events_sent_total: "sentPerSecond",
  hawser_events_acked_total: "ackedPerSecond",
  hawser_events_resent_total: "resentPerSecond",
} as const;
const BUCKET = "hawser_ack_seconds_bucket";
const NAMES = new Set([...Object.keys(COUNTERS), BUCKET]);

/** Turns two looks at the principal's counters into rates. A counter that fell belongs to a principal that was started again, and counts from zero. */
export class TrafficMeter {
  #before: { readonly at: number; readonly values: ReadonlyMap<string, Sample> } | undefined;

  /** @param at monotonic milliseconds; the first look answers undefined: there is nothing to compare with */
  look(metrics: string, at: number): Traffic | undefined {
    const samples = parseMetrics(metrics, NAMES);
    const values = new Map(samples.map((sample) => [keyOf(sample), sample]));
    const before = this.#before;
    this.#before = { at, values };
    if (before === undefined || at <= before.at) return undefined;
    const seconds = (at - before.at) / 1000;
    const grown = (sample: Sample): number => {
      const old = before.values.get(keyOf(sample))?.value ?? 0;
      return sample.value >= old ? sample.value - old : sample.value;
    };
    return summarize(samples, (sample) => grown(sample), seconds);
  }
}

function summarize(samples: readonly Sample[], grown: (sample: Sample) => number, seconds: number): Traffic {
  const total = { ...NO_RATES };
  const byAgent = new Map<string, Record<keyof Rates, number>>();
  const buckets = new Map<number, number>();
  for (const sample of samples) {
    const { name, labels } = sample;
    if (name === BUCKET) {
      const bound = Number((labels.le ?? "").replace("+Inf", "Infinity"));
      buckets.set(bound, (buckets.get(bound) ?? 0) + grown(sample));
      continue;
    }
    const field = fieldOf(name);
    if (field === undefined) continue;
    const rate = grown(sample) / seconds;
    total[field] += rate;
    const agent = byAgent.get(labels.agent ?? "") ?? { ...NO_RATES };
    agent[field] += rate;
    byAgent.set(labels.agent ?? "", agent);
  }
  return { total, byAgent, ackP50Ms: inMs(buckets, 0.5), ackP99Ms: inMs(buckets, 0.99) };
}

export const NO_RATES: Rates = {
  acceptedPerSecond: 0,
  sentPerSecond: 0,
  ackedPerSecond: 0,
  resentPerSecond: 0,
};

function fieldOf(name: string): keyof Rates | undefined {
  return Object.entries(COUNTERS).find(([counter]) => counter === name)?.[1];
}

function inMs(buckets: Buckets, share: number): number | undefined {
  const seconds = quantile(buckets, share);
  return seconds === undefined ? undefined : seconds * 1000;
}

function keyOf({ name, labels }: Sample): string {
  return `${name} ${JSON.stringify(labels)}`;
}
