import type { AgentObserver, AgentState } from "@hawser/agent";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** What is read at each scrape. */
export interface AgentMetricsSource {
  /** When the certificate that the agent shows ends, in Unix milliseconds; undefined where it shows none. */
  certificateNotAfter(): number | undefined;
  /** Events for the principal that it has not acknowledged; undefined while the store cannot tell. */
  pendingEvents(): Promise<number | undefined>;
}

/** The metrics of one agent for Prometheus. */
export interface AgentMetrics {
  /** To be given to `createAgent`. */
  readonly observer: AgentObserver;
  readonly contentType: string;
  /** All of them as Prometheus reads them. Whoever asks while they are gathered gets the same text. */
  text(): Promise<string>;
}

const STATES: readonly AgentState["kind"][] = [
  "stopped",
  "restoring",
  "connecting",
  "connected",
  "waiting",
  "stopping",
];
/** From a loopback ACK to the longest resend timeout. In seconds. */
const ACK_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
];

/** Names, labels and meanings: README.md, Metrics. */
export function createAgentMetrics(
  { name, version }: { readonly name: string; readonly version: string },
  source: AgentMetricsSource,
): AgentMetrics {
  const registry = new Registry();
  registerProcess(registry);
  const info = gauge(registry, "hawser_agent_info", "Always 1; name and version are in the labels.", [
    "agent",
    "version",
  ]);
  info.set({ agent: name, version }, 1);
  registerReadings(registry, source);
  const observer = { ...stateObserver(registry), ...eventObserver(registry) };
  let gathering: Promise<string> | undefined;
  return {
    observer,
    contentType: registry.contentType,
    text() {
      gathering ??= registry.metrics().finally(() => {
        gathering = undefined;
      });
      return gathering;
    },
  };
}

function counter(registry: Registry, name: string, help: string, labelNames: string[] = []): Counter {
  return new Counter({ name, help, labelNames, registers: [registry] });
}

function gauge(registry: Registry, name: string, help: string, labelNames: string[] = []): Gauge {
  return new Gauge({ name, help, labelNames, registers: [registry] });
}

/** CPU, memory, garbage collection; without the gauges of prom-client that are named as counters are. */
function registerProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const metric of registry.getMetricsAsArray())
    if (metric instanceof Gauge && metric.name.endsWith("_total")) registry.removeSingleMetric(metric.name);
}

function registerReadings(registry: Registry, source: AgentMetricsSource): void {
  new Gauge({
    name: "hawser_agent_tls_certificate_not_after_seconds",
    help: "When the certificate that the agent shows ends, in seconds since 1970; absent without one.",
    registers: [registry],
    collect() {
      const notAfter = source.certificateNotAfter();
      if (notAfter === undefined) this.remove();
      else this.set(Math.floor(notAfter / 1_000));
    },
  });
  new Gauge({
    name: "hawser_agent_pending_events",
    help: "Events for the principal that it has not acknowledged.",
    registers: [registry],
    async collect() {
      const pending = await source.pendingEvents();
      if (pending === undefined) this.remove();
      else this.set(pending);
    },
  });
}

function stateObserver(registry: Registry): AgentObserver {
  const state = gauge(registry, "hawser_agent_state", "1 for the state the agent is in.", ["state"]);
  const since = gauge(
    registry,
    "hawser_agent_state_since_seconds",
    "When the agent came into its state, in seconds since 1970.",
  );
  const sessions = counter(registry, "hawser_agent_sessions_total", "Sessions that were opened.");
  const failures = counter(
    registry,
    "hawser_agent_connection_failures_total",
    "Connections, and tries to make one, that failed, by error code.",
    ["code"],
  );
  const suppressed = counter(
    registry,
    "hawser_agent_log_lines_suppressed_total",
    "Log lines that were left out, because there were too many like them.",
  );
  const show = (now: AgentState["kind"]): void => {
    for (const each of STATES) state.set({ state: each }, each === now ? 1 : 0);
  };
  show("stopped");
  return {
    state(now) {
      show(now.kind);
      if ("since" in now) since.set(now.since / 1_000);
      if (now.kind === "waiting" && now.error !== undefined) failures.inc({ code: now.error.code });
    },
    opened: () => sessions.inc(),
    logLineSuppressed: () => suppressed.inc(),
  };
}

function eventObserver(registry: Registry): AgentObserver {
  const count = (what: string, help: string, labelNames: string[] = []): Counter =>
    counter(registry, `hawser_agent_${what}_total`, help, labelNames);
  const sent = count("events_sent", "Events handed to a connection, resends among them.");
  const resent = count("events_resent", "Events sent again within a session because no ACK came in time.");
  const acked = count("events_acked", "Events that the principal acknowledged.");
  const nacked = count(
    "events_nacked",
    "Events that the principal refused, for now (retryable) or for good.",
    ["retryable"],
  );
  const dead = count(
    "dead_letters",
    "Events for the principal that went to the dead letters, by error code.",
    ["code"],
  );
  const applied = count("events_applied", "Events of the principal that handlers applied.");
  const skipped = count(
    "events_skipped",
    "Events of the principal that were acknowledged without being applied again.",
    ["why"],
  );
  const refused = count(
    "events_refused",
    "Events of the principal that were refused, for now (retryable) or for good.",
    ["retryable"],
  );
  const ackSeconds = new Histogram({
    name: "hawser_agent_ack_seconds",
    help: "From sending an event to its ACK, for events that were sent once.",
    buckets: ACK_BUCKETS,
    registers: [registry],
  });
  return {
    sent(_event, attempt) {
      sent.inc();
      if (attempt > 1) resent.inc();
    },
    acked({ rttMs }) {
      acked.inc();
      if (rttMs !== undefined) ackSeconds.observe(rttMs / 1_000);
    },
    nacked: ({ retryable }) => nacked.inc({ retryable: String(retryable) }),
    deadLettered: (_event, code) => dead.inc({ code }),
    applied: () => applied.inc(),
    skipped: (_event, why) => skipped.inc({ why }),
    refused: (_event, retryable) => refused.inc({ retryable: String(retryable) }),
  };
}
