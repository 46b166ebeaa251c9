import type { GateState, ListenerStats } from "@hawser/listener";
import type { Principal, PrincipalStatus } from "@hawser/principal";
import { Counter, Gauge, type Registry } from "prom-client";

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

type Samples = Iterable<readonly [label: string, value: number]>;

/** Who waits at the agents' port and what became of the others, the gate, and a drain: read at each scrape, absent where there is none. */
export function registerLifecycleMetrics(
  registry: Registry,
  source: () => LifecycleSource | undefined,
): void {
  const port = (read: (stats: ListenerStats) => Samples) => (): Samples => {
    const stats = source()?.listener?.stats();
    return stats === undefined ? [] : read(stats);
  };
  const internal = (read: (stats: ListenerStats) => Samples) => (): Samples => {
    const stats = source()?.internalListener?.stats();
    return stats === undefined ? [] : read(stats);
  };
  const drain = (read: (progress: NonNullable<Principal["draining"]>) => number) => (): Samples => {
    const progress = source()?.draining;
    return progress === undefined ? [] : [["", read(progress)]];
  };
  const gauge = (name: string, help: string, read: () => Samples, label?: string): void => {
    new Gauge({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect() {
        startAnew(this, label);
        for (const [value, count] of read()) this.set(label === undefined ? {} : { [label]: value }, count);
      },
    });
  };
  const counter = (name: string, help: string, read: () => Samples, label?: string): void => {
    new Counter({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect() {
        startAnew(this, label);
        for (const [value, count] of read()) this.inc(label === undefined ? {} : { [label]: value }, count);
      },
    });
  };

  gauge("hawser_read_ahead_bytes", "Bytes of events of the mailboxes that sessions hold in memory.", () => {
    const load = source()?.load;
    return load === undefined ? [] : [["", load.readAheadBytes]];
  });
  gauge(
    "hawser_paused_connections",
    "Connections of agents that are not read for a while, because they sent more than their agents may.",
    () => {
      const load = source()?.load;
      return load === undefined ? [] : [["", load.pausedConnections]];
    },
  );
  gauge(
    "hawser_admission_waiting_connections",
    "Connections that wait at the agents' port to be let in.",
    port(({ waiting }) => [["", waiting]]),
  );
  gauge(
    "hawser_admission_handshakes",
    "Connections that were let in and are no session yet.",
    port(({ handshakes }) => [["", handshakes]]),
  );
  gauge(
    "hawser_admission_unauthenticated",
    "Connections and streams at the agents' port that are no session yet; beyond the bound, those of the busiest address are closed.",
    port(({ unauthenticated }) => [["", unauthenticated]]),
  );
  gauge(
    "hawser_admission_slowed_addresses",
    "Addresses whose connections came to nothing so often that the next has to wait.",
    port(({ slowedSources }) => [["", slowedSources]]),
  );
  gauge(
    "hawser_admission_connections_per_second",
    "New connections a second that are let in now.",
    port(({ ratePerSecond }) => [["", ratePerSecond]]),
  );
  counter(
    "hawser_admission_admitted_total",
    "Connections that were let in.",
    port(({ admitted }) => [["", admitted]]),
  );
  counter(
    "hawser_admission_turned_away_total",
    "Connections that ended at the agents' port before they were a session, by reason.",
    port((stats) => Object.entries(TURNED_AWAY).map(([reason, read]) => [reason, read(stats)] as const)),
    "reason",
  );
  gauge(
    "hawser_internal_handshakes",
    "Connections at the control plane's own port that are no session yet.",
    internal(({ handshakes }) => [["", handshakes]]),
  );
  counter(
    "hawser_internal_admitted_total",
    "Connections that were let in at the control plane's own port.",
    internal(({ admitted }) => [["", admitted]]),
  );
  counter(
    "hawser_internal_turned_away_total",
    "Connections that ended at the control plane's own port before they were a session, by reason.",
    internal((stats) => Object.entries(TURNED_AWAY).map(([reason, read]) => [reason, read(stats)] as const)),
    "reason",
  );
  const states = (all: readonly string[], current: () => string | undefined) => (): Samples => {
    const now = current();
    return now === undefined ? [] : all.map((state) => [state, state === now ? 1 : 0] as const);
  };
  gauge(
    "hawser_state",
    "1 for the state the principal is in.",
    states(PRINCIPAL_STATES, () => source()?.state),
    "state",
  );
  gauge(
    "hawser_gate_state",
    "1 for the state of the gate in front of the agents' port.",
    states(GATE_STATES, () => source()?.gate?.kind),
    "state",
  );
  gauge(
    "hawser_store_rolled_back_agents",
    "Agents that prove that the principal's store was rolled back.",
    () => {
      const now = source();
      return now === undefined || !("rollback" in now) ? [] : [["", now.rollback?.agents ?? 0]];
    },
  );
  gauge(
    "hawser_drain_sessions",
    "Sessions there were when the drain began.",
    drain(({ sessions }) => sessions),
  );
  gauge(
    "hawser_drain_remaining_sessions",
    "Of those, not gone yet.",
    drain(({ remaining }) => remaining),
  );
  gauge(
    "hawser_drain_unsettled_events",
    "Events of sessions that are gone which nobody answered for.",
    drain(({ unsettled }) => unsettled),
  );
}

/** Without labels, prom-client begins with 0 even where there is nothing to tell. */
function startAnew(metric: Gauge | Counter, label: string | undefined): void {
  metric.reset();
  if (label === undefined) metric.remove();
}
