import { collectDefaultMetrics, Registry } from "prom-client";

/** Of the process, by prom-client: gauges with the ending of a counter, which linters of Prometheus refuse. The same is told by kind, without `_total`. */
const MISNAMED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

/** Where metrics are registered, and whether those of the process are among them. */
export interface RegistryOptions {
  /** Where the metrics are registered. @default a registry of their own, never the global one */
  readonly registry?: Registry;
  /**
   * Whether metrics of the process come with it (CPU, memory, garbage collection, event loop delay). Say false when `registry` has them already.
   * @default true
   */
  readonly process?: boolean;
}

/** What is told at `/metrics`. */
export interface MetricsText {
  readonly registry: Registry;
  readonly contentType: string;
  /** All of them as Prometheus reads them. Whoever asks while they are gathered gets the same text. */
  text(): Promise<string>;
}

/** The registry that was asked for, with what the process tells of itself. */
export function openRegistry({ registry = new Registry(), process = true }: RegistryOptions): Registry {
  if (process) {
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
  }
  return registry;
}

/** A registry as those who scrape it see it. */
export function textOf(registry: Registry): MetricsText {
  let gathering: Promise<string> | undefined;
  return {
    registry,
    contentType: registry.contentType,
    text() {
      gathering ??= registry.metrics().finally(() => {
        gathering = undefined;
      });
      return gathering;
    },
  };
}
