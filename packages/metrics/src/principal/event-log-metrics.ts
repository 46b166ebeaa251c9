import type { Registry } from "prom-client";
import { registerCollected, type CollectedMetric, type Samples } from "../collected-metrics.js";

/** Where the metrics of an event log and of its sinks are read: those of `createEventLog` and `createSinks`, or anything alike. */
export interface EventLogSource {
  readonly log: { readonly stats: EventLogReading };
  readonly sinks: { list(): Promise<readonly SinkReading[]> };
}

/** What a log holds, and what became of events since it was started. */
export interface EventLogReading {
  /** Events that it holds. */
  readonly entries: number;
  /** Bytes of them. */
  readonly bytes: number;
  readonly recorded: number;
  /** Refused because it was full. */
  readonly refused: number;
  /** Let go, for their age or to make room. */
  readonly letGo: number;
}

/** How far a sink is. */
export interface SinkReading {
  readonly name: string;
  readonly state: string;
  /** Events of the log behind it. */
  readonly lag: number;
  /** How long ago the oldest of them was recorded, in milliseconds. */
  readonly lagMs: number;
  readonly deadLetters: number;
  readonly delivered: number;
  readonly failures: number;
}

const LOG_METRICS: readonly CollectedMetric<EventLogReading>[] = [
  {
    name: "hawser_event_log_events",
    help: "Events of agents that the log holds.",
    read: ({ entries }) => entries,
  },
  { name: "hawser_event_log_bytes", help: "Bytes of them.", read: ({ bytes }) => bytes },
  {
    name: "hawser_event_log_recorded_total",
    help: "Events of agents that were recorded.",
    read: ({ recorded }) => recorded,
  },
  {
    name: "hawser_event_log_refused_total",
    help: "Events of agents that were refused because the log was full; their agents offer them again.",
    read: ({ refused }) => refused,
  },
  {
    name: "hawser_event_log_let_go_total",
    help: "Events that the log let go of, for their age or to make room.",
    read: ({ letGo }) => letGo,
  },
];

const SINK_METRICS: readonly CollectedMetric<EventLogSource>[] = [
  sinkMetric(
    "hawser_sink_lag_events",
    "Events of the log behind the place of a sink, of interest to it or not.",
    ({ lag }) => lag,
  ),
  sinkMetric(
    "hawser_sink_lag_seconds",
    "How long ago the oldest event was recorded that a sink may not have; 0 when it has all.",
    ({ lagMs }) => lagMs / 1_000,
  ),
  sinkMetric("hawser_sink_paused", "1 for a sink that is paused.", ({ state }) =>
    state === "paused" ? 1 : 0,
  ),
  sinkMetric(
    "hawser_sink_dead_letter_events",
    "Events in the dead letters of a sink now.",
    ({ deadLetters }) => deadLetters,
  ),
  sinkMetric("hawser_sink_delivered_total", "Events that a sink took.", ({ delivered }) => delivered),
  sinkMetric(
    "hawser_sink_failures_total",
    "Deliveries to a sink that failed; they are tried again.",
    ({ failures }) => failures,
  ),
];

/** What the log of agents' events holds, and how far its sinks are: read at each scrape, absent where there is none. */
export function registerEventLogMetrics(registry: Registry, source: () => EventLogSource | undefined): void {
  registerCollected(registry, LOG_METRICS, () => source()?.log.stats);
  registerCollected(registry, SINK_METRICS, source);
}

function sinkMetric(
  name: string,
  help: string,
  read: (sink: SinkReading) => number,
): CollectedMetric<EventLogSource> {
  const readAll = async ({ sinks }: EventLogSource): Promise<Samples> =>
    (await sinks.list().catch(() => [])).map((sink) => [sink.name, read(sink)]);
  return { name, help, label: "sink", read: readAll };
}
