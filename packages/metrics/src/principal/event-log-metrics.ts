import { Counter, Gauge, type Registry } from "prom-client";

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

/** What the log of agents' events holds, and how far its sinks are: read at each scrape, absent where there is none. */
export function registerEventLogMetrics(registry: Registry, source: () => EventLogSource | undefined): void {
  logMetrics(registry, () => source()?.log.stats);
  sinkMetrics(registry, source);
}

function logMetrics(registry: Registry, stats: () => EventLogReading | undefined): void {
  const metric = (
    Kind: typeof Gauge | typeof Counter,
    name: string,
    help: string,
    read: (stats: EventLogReading) => number,
  ): void => {
    new Kind({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        const now = stats();
        if (now === undefined) this.remove();
        else this.inc(read(now));
      },
    });
  };
  metric(Gauge, "hawser_event_log_events", "Events of agents that the log holds.", ({ entries }) => entries);
  metric(Gauge, "hawser_event_log_bytes", "Bytes of them.", ({ bytes }) => bytes);
  const recorded = "Events of agents that were recorded.";
  metric(Counter, "hawser_event_log_recorded_total", recorded, (now) => now.recorded);
  const refused =
    "Events of agents that were refused because the log was full; their agents offer them again.";
  metric(Counter, "hawser_event_log_refused_total", refused, (now) => now.refused);
  const letGo = "Events that the log let go of, for their age or to make room.";
  metric(Counter, "hawser_event_log_let_go_total", letGo, (now) => now.letGo);
}

function sinkMetrics(registry: Registry, source: () => EventLogSource | undefined): void {
  const metric = (
    Kind: typeof Gauge | typeof Counter,
    name: string,
    help: string,
    read: (sink: SinkReading) => number,
  ): void => {
    new Kind({
      name,
      help,
      labelNames: ["sink"],
      registers: [registry],
      async collect() {
        const sinks = await source()
          ?.sinks.list()
          .catch(() => []);
        this.reset();
        for (const sink of sinks ?? []) this.inc({ sink: sink.name }, read(sink));
      },
    });
  };
  const lag = "Events of the log behind the place of a sink, of interest to it or not.";
  metric(Gauge, "hawser_sink_lag_events", lag, (sink) => sink.lag);
  const seconds = "How long ago the oldest event was recorded that a sink may not have; 0 when it has all.";
  metric(Gauge, "hawser_sink_lag_seconds", seconds, ({ lagMs }) => lagMs / 1_000);
  const paused = "1 for a sink that is paused.";
  metric(Gauge, "hawser_sink_paused", paused, ({ state }) => (state === "paused" ? 1 : 0));
  const dead = "Events in the dead letters of a sink now.";
  metric(Gauge, "hawser_sink_dead_letter_events", dead, ({ deadLetters }) => deadLetters);
  const delivered = "Events that a sink took.";
  metric(Counter, "hawser_sink_delivered_total", delivered, (sink) => sink.delivered);
  const failures = "Deliveries to a sink that failed; they are tried again.";
  metric(Counter, "hawser_sink_failures_total", failures, (sink) => sink.failures);
}
