import { Counter, Gauge, type Registry } from "prom-client";

/** Values of a metric by its label. */
export type Samples = readonly (readonly [label: string, value: number])[];

/** A metric that is read at each scrape. One whose name ends with `_total` is a counter, any other a gauge. */
export interface CollectedMetric<Source> {
  readonly name: string;
  readonly help: string;
  /** @default the metric has one value */
  readonly label?: string;
  /** Undefined: there is nothing to tell, and the metric is absent. */
  read(source: Source): Reading | Promise<Reading>;
}

type Reading = number | Samples | undefined;

/** Registers metrics that are read from a source, and are absent where there is none. */
export function registerCollected<Source>(
  registry: Registry,
  metrics: readonly CollectedMetric<Source>[],
  source: () => Source | undefined,
): void {
  for (const { name, help, label, read } of metrics) {
    const Kind = name.endsWith("_total") ? Counter : Gauge;
    new Kind({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      async collect() {
        const now = source();
        const reading = now && (await read(now));
        this.reset();
        if (typeof reading === "number") this.inc(reading);
        // Without labels, prom-client begins with 0 even where there is nothing to tell.
        else if (label === undefined) this.remove();
        else for (const [value, count] of reading ?? []) this.inc({ [label]: value }, count);
      },
    });
  }
}
