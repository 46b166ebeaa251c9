import type { ServedCertificate } from "@hawser/listener";
import type { PrincipalObserver } from "@hawser/principal";
import { Counter, Gauge, type Registry } from "prom-client";
import { ackHistogram } from "../ack-histogram.js";
import { registerCollected, type CollectedMetric } from "../collected-metrics.js";
import { EventLoopDelay } from "../event-loop-delay.js";
import { openRegistry, textOf, type MetricsText, type RegistryOptions } from "../metrics-registry.js";
import { ReadCounter, ReadGauge, Turns, type Reading } from "../read-metrics.js";
import { VERSION } from "../version.js";
import { snapshotAgents, type AgentSnapshot, type AgentSource } from "./agent-gauges.js";
import { AgentSeries } from "./agent-series.js";
import { COUNTERS, type CounterDefinition } from "./counter-definitions.js";
import { countingObserver } from "./counting-observer.js";
import { registerEventLogMetrics, type EventLogSource } from "./event-log-metrics.js";
import { registerLifecycleMetrics, type LifecycleSource } from "./lifecycle-metrics.js";
import { requestMeter, type RequestMeter } from "./request-metrics.js";
import { streamMeter, type StreamMeter } from "./stream-metrics.js";

/** Agents with series of their own: about 30 series each, so this is what one small Prometheus takes without notice. */
export const DEFAULT_MAX_METRIC_AGENTS = 1000;

/** Where metrics are registered, and how many series agents may make. */
export interface PrincipalMetricsOptions extends RegistryOptions {
  /** Whether counters and gauges of events carry the label `agent`. @default true */
  readonly perAgent?: boolean;
  /** Agents with series of their own; the others share `agent="other"`. @default DEFAULT_MAX_METRIC_AGENTS (1000) */
  readonly maxAgents?: number;
}

/** The metrics of one principal: what counts, and where it can be read. To be given to `createApi` as a whole. */
export interface PrincipalMetrics extends MetricsText {
  /** To be given to `createPrincipal`. */
  readonly observer: PrincipalObserver;
  /** Counts who reads the streams of an API. */
  readonly streams: StreamMeter;
  /** Counts connections to an API, and refusals. */
  readonly requests: RequestMeter;
  /** Says where the state of agents, of the agents' port, of the gate and of a drain are read at each scrape. Without it these are absent. */
  watch(source: PrincipalMetricsSource): void;
  /** Says where the log of agents' events and its sinks are read at each scrape. Without it these are absent. */
  watchEventLog(source: EventLogSource): void;
  /** Says where the certificates of the ports are read at each scrape. Without it their ends are not told. */
  watchCertificates(read: () => readonly ServedCertificate[]): void;
}

/** What a principal is asked at each scrape. */
export type PrincipalMetricsSource = AgentSource & LifecycleSource;

/** The metrics of a principal for Prometheus. Names, labels and meanings: METRICS.md. */
export function createPrincipalMetrics(options: PrincipalMetricsOptions = {}): PrincipalMetrics {
  const registry = openRegistry(options);
  const perAgent = options.perAgent ?? true;
  const maxAgents = perAgent ? (options.maxAgents ?? DEFAULT_MAX_METRIC_AGENTS) : 0;
  const series = new AgentSeries(maxAgents);
  const scrape = new Scrape(series, maxAgents);
  if (options.process ?? true) registry.registerMetric(new EventLoopDelay());

  const shared: Shared = { series, perAgent, turns: new Turns() };
  for (const definition of COUNTERS) registerCounter(registry, definition, shared);
  registerGauges(registry, scrape, shared);
  registerLifecycleMetrics(registry, () => scrape.source);
  let eventLog: EventLogSource | undefined;
  registerEventLogMetrics(registry, () => eventLog);

  let certificates = (): readonly ServedCertificate[] => [];
  registerCollected(registry, [CERTIFICATES], () => certificates);
  const info = new Gauge({
    name: "hawser_info",
    help: "Always 1; the version is in the label.",
    labelNames: ["version"],
    registers: [registry],
  });
  info.set({ version: VERSION }, 1);
  const refusals = new Counter({
    name: "hawser_session_refusals_total",
    help: "Connections that asked for a session and were refused, by error code.",
    labelNames: ["code"],
    registers: [registry],
  });
  const suppressedLines = new Counter({
    name: "hawser_log_lines_suppressed_total",
    help: "Log lines about an agent or an address that were left out, because there were too many like it.",
    registers: [registry],
  });
  const ackSeconds = ackHistogram(
    registry,
    "hawser_ack_seconds",
    "From sending an event to its ACK, for events that were sent once. Over all agents.",
  );

  return {
    ...textOf(registry),
    streams: streamMeter(registry),
    requests: requestMeter(registry),
    observer: countingObserver({
      series,
      sessionRefused: (code) => refusals.inc({ code }),
      logLineSuppressed: () => suppressedLines.inc(),
      ackSeconds: (seconds) => ackSeconds.observe(seconds),
    }),
    watch: (source) => scrape.watch(source),
    watchEventLog(source) {
      eventLog = source;
    },
    watchCertificates(read) {
      certificates = read;
    },
  };
}

const CERTIFICATES: CollectedMetric<() => readonly ServedCertificate[]> = {
  name: "hawser_tls_certificate_not_after_seconds",
  help: "When the certificate that a port shows ends, in seconds since 1970; port is agents or api.",
  label: "port",
  read: (certificates) => certificates().map(({ port, notAfter }) => [port, Math.floor(notAfter / 1_000)]),
};

/** What the metrics of agents are made with. */
interface Shared {
  readonly series: AgentSeries;
  readonly perAgent: boolean;
  readonly turns: Turns;
}

/** One reading of all agents for all gauges that are collected at the same time. */
class Scrape {
  readonly #series: AgentSeries;
  readonly #maxAgents: number;
  #source: PrincipalMetricsSource | undefined;
  #reading: Promise<AgentSnapshot | undefined> | undefined;

  constructor(series: AgentSeries, maxAgents: number) {
    this.#series = series;
    this.#maxAgents = maxAgents;
  }

  watch(source: PrincipalMetricsSource): void {
    this.#source = source;
  }

  get source(): PrincipalMetricsSource | undefined {
    return this.#source;
  }

  /** Undefined when nothing is watched, or when the store cannot be read: then the gauges are absent, and all else is still told. */
  snapshot(): Promise<AgentSnapshot | undefined> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<AgentSnapshot | undefined> {
    if (this.#source === undefined) return undefined;
    try {
      return await snapshotAgents(this.#source, this.#series, this.#maxAgents);
    } catch {
      return undefined;
    }
  }
}

function registerCounter(
  registry: Registry,
  { name, help, label, read }: CounterDefinition,
  { series, perAgent, turns }: Shared,
): void {
  const labelNames = [...(perAgent ? ["agent"] : []), ...(label === undefined ? [] : [label])];
  function* readings(): Iterable<Reading> {
    for (const [agent, counts] of series.entries()) {
      for (const [value, count] of read(counts)) {
        const labels = { ...(perAgent ? { agent } : {}), ...(label === undefined ? {} : { [label]: value }) };
        yield { labels, value: count };
      }
    }
    // Without labels there is one series, and it begins with 0.
    if (labelNames.length === 0 && series.isEmpty) yield { labels: {}, value: 0 };
  }
  registry.registerMetric(new ReadCounter({ name, help, labelNames, read: readings, turns }));
}

function registerGauges(registry: Registry, scrape: Scrape, { perAgent, turns }: Shared): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (snapshot: AgentSnapshot) => Iterable<Reading>,
  ): void => {
    const readings = async (): Promise<Iterable<Reading>> => {
      const snapshot = await scrape.snapshot();
      return snapshot === undefined ? [] : read(snapshot);
    };
    registry.registerMetric(new ReadGauge({ name, help, labelNames, read: readings, turns }));
  };
  const labelNames = perAgent ? ["agent"] : [];
  function* byAgent(values: ReadonlyMap<string, number>): Iterable<Reading> {
    for (const [agent, value] of values) yield { labels: perAgent ? { agent } : {}, value };
    if (!perAgent && values.size === 0) yield { labels: {}, value: 0 };
  }
  gauge(
    "hawser_pending_events",
    "Accepted events that are not acknowledged.",
    labelNames,
    ({ pendingByAgent }) => byAgent(pendingByAgent),
  );
  gauge(
    "hawser_dead_letter_events",
    "Events in the dead letters now.",
    labelNames,
    ({ deadLettersByAgent }) => byAgent(deadLettersByAgent),
  );
  gauge(
    "hawser_sessions",
    "Sessions that are open, by transport, and by the port they came in by: of agents, or internal.",
    ["transport", "port"],
    ({ sessions }) =>
      sessions.map(({ transport, port, count }) => ({ labels: { transport, port }, value: count })),
  );
}
