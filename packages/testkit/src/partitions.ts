import type { Random, Timer, Timers } from "@hawser/runtime";
import { exponential, type NetworkFaults } from "./network-faults.js";

/** Connections from this host, to this address; left out, any. */
export interface Route {
  readonly from?: string;
  readonly to?: string;
}

export interface PartitionsParts {
  readonly timers: Timers;
  readonly random: Random;
  readonly faults: () => NetworkFaults;
  /** Who is separated from whom has changed. */
  readonly changed: () => void;
}

/** Who cannot reach whom now: by hand, and as the faults say. */
export class Partitions {
  readonly #parts: PartitionsParts;
  readonly #current = new Set<Route>();
  readonly #known = new Map<string, Route>();
  #timer: Timer | undefined;
  #count = 0;

  constructor(parts: PartitionsParts) {
    this.#parts = parts;
  }

  /** Partitions there have been. */
  get count(): number {
    return this.#count;
  }

  /** Makes a route known, so that a random partition can strike it. */
  know(from: string, to: string): void {
    this.#known.set(`${from} ${to}`, { from, to });
  }

  separates(from: string, to: string): boolean {
    return [...this.#current].some((route) => matchesRoute(route, from, to));
  }

  /** Separates these routes and answers what ends it. */
  begin(route: Route): () => void {
    const entry = { ...route };
    this.#count += 1;
    this.#current.add(entry);
    this.#parts.changed();
    return () => {
      if (this.#current.delete(entry)) this.#parts.changed();
    };
  }

  endAll(): void {
    this.#current.clear();
    this.#parts.changed();
  }

  /** Draws anew when the next random partition begins. An exponential draw has no memory, so this may be done at any time. */
  schedule(): void {
    const { timers, random, faults } = this.#parts;
    this.#timer?.cancel();
    this.#timer = undefined;
    const interval = exponential(random.next(), faults().meanPartitionIntervalMs);
    if (interval === Number.POSITIVE_INFINITY) return;
    this.#timer = timers.after(interval, () => {
      this.#strike();
      this.schedule();
    });
  }

  #strike(): void {
    const { timers, random, faults } = this.#parts;
    const routes = [...this.#known.values()];
    const route = routes[Math.floor(random.next() * routes.length)];
    if (route === undefined) return;
    timers.after(exponential(random.next(), faults().meanPartitionMs), this.begin(route));
  }
}

export function matchesRoute(route: Route, from: string, to: string): boolean {
  return (route.from ?? from) === from && (route.to ?? to) === to;
}
