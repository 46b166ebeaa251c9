import type { AgentObserver, AgentState } from "@hawser/agent";
import { Counter, Gauge, type Registry } from "prom-client";
import { ackHistogram } from "../ack-histogram.js";
import { registerCollected, type CollectedMetric } from "../collected-metrics.js";
import { openRegistry, textOf, type MetricsText, type RegistryOptions } from "../metrics-registry.js";
import { VERSION } from "../version.js";

/** Whose metrics they are, and where they are registered. */
export interface AgentMetricsOptions extends RegistryOptions {
  /** The name of the agent, for `hawser_agent_info`. */
  readonly name: string;
  /** The version of the program, likewise. @default the version of this package */
  readonly version?: string;
}

/** What is read at each scrape. */
export interface AgentMetricsSource {
  /** When the certificate that the agent shows ends, in Unix milliseconds; undefined where it shows none. */
  certificateNotAfter(): number | undefined;
  /** Events for the principal that it has not acknowledged; undefined while the store cannot tell. */
  pendingEvents(): Promise<number | undefined>;
}

/** The metrics of one agent: what counts, and where it can be read. */
export interface AgentMetrics extends MetricsText {
  /** To be given to `createAgent`. */
  readonly observer: AgentObserver;
  /** Says where the mailbox and the certificate are read at each scrape. Without it these are absent. */
  watch(source: AgentMetricsSource): void;
}

const STATES: readonly AgentState["kind"][] = [
  "stopped",
  "restoring",
  "connecting",
  "connected",
  "waiting",
  "stopping",
];

/** The metrics of an agent for Prometheus. Names, labels and meanings: METRICS.md. */
export function createAgentMetrics(options: AgentMetricsOptions): AgentMetrics {
  const registry = openRegistry(options);
  const info = gauge(registry, "hawser_agent_info", "Always 1; name and version are in the labels.", [
    "agent",
    "version",
  ]);
  info.set({ agent: options.name, version: options.version ?? VERSION }, 1);
  let source: AgentMetricsSource | undefined;
  registerCollected(registry, READINGS, () => source);
  return {
    ...textOf(registry),
    observer: { ...stateObserver(registry), ...eventObserver(registry) },
    watch(watched) {
      source = watched;
    },
  };
}

function counter(registry: Registry, name: string, help: string, labelNames: string[] = []): Counter {
  return new Counter({ name, help, labelNames, registers: [registry] });
}

function gauge(registry: Registry, name: string, help: string, labelNames: string[] = []): Gauge {
  return new Gauge({ name, help, labelNames, registers: [registry] });
}

const READINGS: readonly CollectedMetric<AgentMetricsSource>[] = [
  {
    name: "hawser_agent_tls_certificate_not_after_seconds",
    help: "When the certificate that the agent shows ends, in seconds since 1970; absent without one.",
    read(source) {
      const notAfter = source.certificateNotAfter();
      return notAfter === undefined ? undefined : Math.floor(notAfter / 1_000);
    },
  },
  {
    name: "hawser_agent_pending_events",
    help: "Events for the principal that it has not acknowledged.",
    read: (source) => source.pendingEvents(),
  },
];

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
  const ackSeconds = ackHistogram(
    registry,
    "hawser_agent_ack_seconds",
    "From sending an event to its ACK, for events that were sent once.",
  );
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
