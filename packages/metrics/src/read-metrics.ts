import { systemTimers } from "@hawser/runtime";
import { Counter, Gauge } from "prom-client";

/** A value of a metric, with the labels it has. */
export interface Reading {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a metric that is read is made of. */
export interface ReadMetric {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Called when somebody asks. What it answers is walked through in the metric's own turn: an iterable that makes its values then is best. */
  read(): Iterable<Reading> | Promise<Iterable<Reading>>;
  readonly turns: Turns;
}

/**
 * One metric at a time, each in a turn of its own of the event loop. Thousands of agents with a dozen series each take as long to write down as they take, but sessions get their turn
 * in between.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  next(): Promise<void> {
    this.#last = this.#last.then(
      () =>
        new Promise((resolve) => {
          systemTimers.soon(resolve);
        }),
    );
    return this.#last;
  }
}

/** A counter that is counted elsewhere: nothing is copied into a table of prom-client first, which would take most of the time of a scrape. */
export class ReadCounter extends Counter {
  readonly #metric: ReadMetric;

  constructor(metric: ReadMetric) {
    super(described(metric));
    this.#metric = metric;
  }

  override async get(): ReturnType<Counter["get"]> {
    return { ...(await super.get()), values: await valuesOf(this.#metric) };
  }
}

/** A gauge that is read elsewhere, likewise. */
export class ReadGauge extends Gauge {
  readonly #metric: ReadMetric;

  constructor(metric: ReadMetric) {
    super(described(metric));
    this.#metric = metric;
  }

  override async get(): ReturnType<Gauge["get"]> {
    return { ...(await super.get()), values: await valuesOf(this.#metric) };
  }
}

function described({ name, help, labelNames }: ReadMetric): {
  name: string;
  help: string;
  labelNames: string[];
  registers: [];
} {
  return { name, help, labelNames: [...labelNames], registers: [] };
}

async function valuesOf({ read, turns }: ReadMetric): Promise<Reading[]> {
  // Begun by all metrics at the same time, so that those that share a reading do. One that fails fails the scrape, and is waited for from the start.
  const [readings] = await Promise.all([read(), turns.next()]);
  return [...readings];
}
