import { pause, systemClock, systemTimers } from "@hawser/runtime";
import type { FleetEvent } from "../fleet/fleet-commands.js";
import type { Taken } from "./storm-commands.js";

export interface PublisherOptions {
  readonly agents: number;
  readonly perSecond: number;
  /** Hands an event to whoever serves now; rejects when nobody took it. */
  readonly publish: (event: { readonly agent: number; readonly data: FleetEvent }) => Promise<Taken>;
}

const TICK_MS = 5;
/** Events without an answer; at the bound no new ones are made, and the load is lower than it says. */
const MAX_OUTSTANDING = 4_000;

/** Numbered events at a steady rate, to one agent after the other, and a ledger of what was taken. What nobody took is not tried again, and not counted: its publisher knew. */
export class EventPublisher {
  readonly #options: PublisherOptions;
  readonly #taken = new Map<number, Taken>();
  #published = 0;
  #refused = 0;
  #outstanding = 0;
  #going = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#going = true;
    this.#loop = this.#run();
  }

  /** Resolves when every event has its answer. */
  async stop(): Promise<void> {
    this.#going = false;
    await this.#loop;
    while (this.#outstanding > 0) await pause(systemTimers, TICK_MS);
  }

  /** Events that were taken, and how. */
  get taken(): ReadonlyMap<number, Taken> {
    return this.#taken;
  }

  /** Events that nobody took, as their publisher was told. */
  get refused(): number {
    return this.#refused;
  }

  async #run(): Promise<void> {
    const began = systemClock.now();
    const before = this.#published;
    while (this.#going) {
      const due = before + ((systemClock.now() - began) * this.#options.perSecond) / 1_000;
      while (this.#published < due && this.#outstanding < MAX_OUTSTANDING) this.#publish();
      await pause(systemTimers, TICK_MS);
    }
  }

  #publish(): void {
    this.#published += 1;
    this.#outstanding += 1;
    const n = this.#published;
    const event = { agent: n % this.#options.agents, data: { n, at: systemClock.wallTime() } };
    void this.#options
      .publish(event)
      .then(
        (taken) => void this.#taken.set(n, taken),
        () => (this.#refused += 1),
      )
      .finally(() => (this.#outstanding -= 1));
  }
}
