import type { GateState, ListenerStats } from "@hawser/listener";
import type { Principal, PrincipalStatus } from "@hawser/principal";
import type { Registry } from "prom-client";
import { registerCollected, type CollectedMetric, type Samples } from "../collected-metrics.js";

/** Where the metrics of the port, the gate and the drain are read. */
export type LifecycleSource = Partial<
  Pick<Principal, "listener" | "internalListener" | "gate" | "state" | "draining" | "rollback" | "load">
>;

const GATE_STATES: readonly GateState["kind"][] = ["closed", "waiting", "settling", "open"];
const PRINCIPAL_STATES: readonly PrincipalStatus["kind"][] = ["stopped", "starting", "open", "draining"];

/** Why a connection did not become a session, as far as the port can tell. */
const TURNED_AWAY: Readonly<Record<string, (stats: ListenerStats) => number>> = {
  come_back_later: ({ refused }) => refused,
  over_capacity: ({ overCapacity }) => overCapacity,
  over_budget: ({ overBudget }) => overBudget,
  out_of_descriptors: ({ outOfDescriptors }) => outOfDescriptors,
  handshake_timeout: ({ handshakeTimeout }) => handshakeTimeout,
  tls_failed: ({ tlsFailed }) => tlsFailed,
  unsupported_protocol: ({ unsupportedProtocol }) => unsupportedProtocol,
  lost: ({ lost }) => lost,
};

const METRICS: readonly CollectedMetric<LifecycleSource>[] = [
  {
    name: "hawser_read_ahead_bytes",
    help: "Bytes of events of the mailboxes that sessions hold in memory.",
    read: ({ load }) => load?.readAheadBytes,
  },
  {
    name: "hawser_paused_connections",
    help: "Connections of agents that are not read for a while, because they sent more than their agents may.",
    read: ({ load }) => load?.pausedConnections,
  },
  {
    name: "hawser_admission_waiting_connections",
    help: "Connections that wait at the agents' port to be let in.",
    read: ({ listener }) => listener?.stats().waiting,
  },
  {
    name: "hawser_admission_handshakes",
    help: "Connections that were let in and are no session yet.",
    read: ({ listener }) => listener?.stats().handshakes,
  },
  {
    name: "hawser_admission_unauthenticated",
    help: "Connections and streams at the agents' port that are no session yet; beyond the bound, those of the busiest address are closed.",
    read: ({ listener }) => listener?.stats().unauthenticated,
  },
  {
    name: "hawser_admission_slowed_addresses",
    help: "Addresses whose connections came to nothing so often that the next has to wait.",
    read: ({ listener }) => listener?.stats().slowedSources,
  },
  {
    name: "hawser_admission_connections_per_second",
    help: "New connections a second that are let in now.",
    read: ({ listener }) => listener?.stats().ratePerSecond,
  },
  {
    name: "hawser_admission_admitted_total",
    help: "Connections that were let in.",
    read: ({ listener }) => listener?.stats().admitted,
  },
  {
    name: "hawser_admission_turned_away_total",
    help: "Connections that ended at the agents' port before they were a session, by reason.",
    label: "reason",
    read: ({ listener }) => turnedAway(listener?.stats()),
  },
  {
    name: "hawser_internal_handshakes",
    help: "Connections at the control plane's own port that are no session yet.",
    read: ({ internalListener }) => internalListener?.stats().handshakes,
  },
  {
    name: "hawser_internal_admitted_total",
    help: "Connections that were let in at the control plane's own port.",
    read: ({ internalListener }) => internalListener?.stats().admitted,
  },
  {
    name: "hawser_internal_turned_away_total",
    help: "Connections that ended at the control plane's own port before they were a session, by reason.",
    label: "reason",
    read: ({ internalListener }) => turnedAway(internalListener?.stats()),
  },
  {
    name: "hawser_state",
    help: "1 for the state the principal is in.",
    label: "state",
    read: ({ state }) => oneOf(PRINCIPAL_STATES, state),
  },
  {
    name: "hawser_gate_state",
    help: "1 for the state of the gate in front of the agents' port.",
    label: "state",
    read: ({ gate }) => oneOf(GATE_STATES, gate?.kind),
  },
  {
    name: "hawser_store_rolled_back_agents",
    help: "Agents that prove that the principal's store was rolled back.",
    read: (source) => ("rollback" in source ? (source.rollback?.agents ?? 0) : undefined),
  },
  {
    name: "hawser_drain_sessions",
    help: "Sessions there were when the drain began.",
    read: ({ draining }) => draining?.sessions,
  },
  {
    name: "hawser_drain_remaining_sessions",
    help: "Of those, not gone yet.",
    read: ({ draining }) => draining?.remaining,
  },
  {
    name: "hawser_drain_unsettled_events",
    help: "Events of sessions that are gone which nobody answered for.",
    read: ({ draining }) => draining?.unsettled,
  },
];

/** The port, the gate and a drain: read at each scrape, absent where there is none. */
export function registerLifecycleMetrics(
  registry: Registry,
  source: () => LifecycleSource | undefined,
): void {
  registerCollected(registry, METRICS, source);
}

function turnedAway(stats: ListenerStats | undefined): Samples | undefined {
  return stats && Object.entries(TURNED_AWAY).map(([reason, read]) => [reason, read(stats)] as const);
}

function oneOf(states: readonly string[], now: string | undefined): Samples | undefined {
  return now === undefined ? undefined : states.map((state) => [state, state === now ? 1 : 0] as const);
}
