import { pause, systemClock, systemTimers } from "@hawser/runtime";

/** One measurement: so many events outstanding for each agent, all the time. */
export interface Load {
  readonly window: number;
  /** Runs before counting begins. */
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface Measurement {
  readonly ackedPerSecond: number;
  /** From the call that publishes (or sends) to the ACK. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of this process, all its threads, over all events that went through. */
  readonly cpuUsPerEvent: number;
  /** Events that went through in all, while warming up and coming to an end included. */
  readonly events: number;
}

/** Latencies kept for the percentiles of one measurement; far more than one measurement has. */
const MAX_SAMPLES = 2_000_000;

/** What the loop drives: `offer` starts one more event, and whoever implements it calls `ClosedLoop.acked` when its ACK is there. */
export type Offer = (agent: number) => void;

type Phase = "idle" | "warming" | "measuring" | "draining";

/**
 * A closed loop: each ACK starts the next event of the same agent, so the window is always full and never exceeded. The same loop drives Hawser and the raw
 * transports, so that both are counted alike.
 */
export class ClosedLoop {
  readonly #agents: number;
  readonly #offer: Offer;
  readonly #samples = new Float64Array(MAX_SAMPLES);
  #phase: Phase = "idle";
  #count = 0;
  #outstanding = 0;
  #events = 0;
  #drained: () => void = () => {};

  constructor(agents: number, offer: Offer) {
    this.#agents = agents;
    this.#offer = offer;
  }

  /** An event that began at `startedAtMs` (monotonic) is acknowledged. */
  acked(agent: number, startedAtMs: number): void {
    this.#events += 1;
    if (this.#phase === "measuring") {
      if (this.#count < MAX_SAMPLES) this.#samples[this.#count] = systemClock.now() - startedAtMs;
      this.#count += 1;
    }
    if (this.#phase === "draining") {
      this.#outstanding -= 1;
      if (this.#outstanding === 0) this.#drained();
    } else this.#offer(agent);
  }

  async run({ window, warmUpMs, measureMs }: Load): Promise<Measurement> {
    if (this.#phase !== "idle") throw new Error("a measurement is already running");
    this.#phase = "warming";
    this.#outstanding = window * this.#agents;
    this.#events = 0;
    const cpuBefore = process.cpuUsage();
    for (let slot = 0; slot < window; slot += 1) {
      for (let agent = 0; agent < this.#agents; agent += 1) this.#offer(agent);
    }
    await pause(systemTimers, warmUpMs);
    this.#phase = "measuring";
    this.#count = 0;
    const from = systemClock.now();
    await pause(systemTimers, measureMs);
    const elapsedMs = systemClock.now() - from;
    const acked = this.#count;
    await this.#drain();
    // Of all that went through, as what is under way when the measuring begins and ends is a good part of it.
    const cpu = process.cpuUsage(cpuBefore);
    if (acked === 0) throw new Error("nothing was acknowledged while measuring");
    const sorted = this.#samples.subarray(0, Math.min(acked, MAX_SAMPLES)).sort();
    return {
      ackedPerSecond: (acked / elapsedMs) * 1_000,
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      cpuUsPerEvent: (cpu.user + cpu.system) / this.#events,
      events: this.#events,
    };
  }

  async #drain(): Promise<void> {
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    this.#phase = "draining";
    await drained;
    this.#phase = "idle";
  }
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
