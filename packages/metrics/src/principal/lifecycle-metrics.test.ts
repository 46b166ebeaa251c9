import type { ListenerStats } from "@hawser/listener";
import { createPrincipal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { registerLifecycleMetrics, type LifecycleSource } from "./lifecycle-metrics.js";
import { createPrincipalMetrics } from "./principal-metrics.js";

const STATS: ListenerStats = {
  waiting: 1,
  handshakes: 2,
  stalled: 1,
  unauthenticated: 3,
  slowedSources: 2,
  overBudget: 14,
  outOfDescriptors: 15,
  admitted: 3,
  refused: 4,
  expired: 5,
  ratePerSecond: 6.5,
  refusing: 7,
  handedOver: 8,
  overCapacity: 9,
  handshakeTimeout: 10,
  tlsFailed: 11,
  unsupportedProtocol: 12,
  lost: 13,
};

async function scrape(source: LifecycleSource | undefined): Promise<readonly string[]> {
  const registry = new Registry();
  registerLifecycleMetrics(registry, () => source);
  return (await registry.metrics()).split("\n").filter((line) => line.startsWith("hawser_"));
}

it("tells nothing of what there is not", async () => {
  expect(await scrape(undefined)).toEqual([]);
  expect(await scrape({ listener: undefined, draining: undefined })).toEqual([]);
});

it("tells how many agents prove that the store was rolled back, also when none does", async () => {
  const report = { agents: 3, message: "", since: 0 };
  expect(await scrape({ rollback: report })).toEqual(["hawser_store_rolled_back_agents 3"]);
  expect(await scrape({ rollback: undefined })).toEqual(["hawser_store_rolled_back_agents 0"]);
});

it("tells what the sessions hold in memory, and whom it does not read for now", async () => {
  const load = { readAheadBytes: 4_096, pausedConnections: 2 };
  expect(await scrape({ load })).toEqual(["hawser_read_ahead_bytes 4096", "hawser_paused_connections 2"]);
});

it("tells who waits, who was let in, and why others were not", async () => {
  const listener = {
    stats: () => STATS,
    configure: () => {},
    secure: () => {},
    certificateNotAfter: undefined,
  };
  expect(await scrape({ listener })).toEqual([
    "hawser_admission_waiting_connections 1",
    "hawser_admission_handshakes 2",
    "hawser_admission_unauthenticated 3",
    "hawser_admission_slowed_addresses 2",
    "hawser_admission_connections_per_second 6.5",
    "hawser_admission_admitted_total 3",
    'hawser_admission_turned_away_total{reason="come_back_later"} 4',
    'hawser_admission_turned_away_total{reason="over_capacity"} 9',
    'hawser_admission_turned_away_total{reason="over_budget"} 14',
    'hawser_admission_turned_away_total{reason="out_of_descriptors"} 15',
    'hawser_admission_turned_away_total{reason="handshake_timeout"} 10',
    'hawser_admission_turned_away_total{reason="tls_failed"} 11',
    'hawser_admission_turned_away_total{reason="unsupported_protocol"} 12',
    'hawser_admission_turned_away_total{reason="lost"} 13',
  ]);
});

it("tells the same of the control plane's own port, under names of its own", async () => {
  const internalListener = { stats: () => STATS };
  const lines = await scrape({ internalListener });
  expect(lines.slice(0, 3)).toEqual([
    "hawser_internal_handshakes 2",
    "hawser_internal_admitted_total 3",
    'hawser_internal_turned_away_total{reason="come_back_later"} 4',
  ]);
  expect(lines).toHaveLength(10);
});

it("tells how far a drain is, and nothing of it once there is none", async () => {
  const registry = new Registry();
  let source: LifecycleSource = {
    draining: { shape: "restart", reason: "test", sessions: 5, remaining: 2, unsettled: 1 },
  };
  registerLifecycleMetrics(registry, () => source);
  expect(await registry.metrics()).toMatch(
    /^hawser_drain_sessions 5$[^]*^hawser_drain_remaining_sessions 2$[^]*^hawser_drain_unsettled_events 1$/m,
  );
  source = {};
  expect(await registry.metrics()).not.toMatch(/^hawser_drain/m);
});

it("follows a principal from its start to its end", async () => {
  const store = createMemoryStore();
  const principal = createPrincipal({ store, acceptors: [], listen: { port: 0 } });
  const { registry, watch } = createPrincipalMetrics({ process: false });
  watch(principal);
  const states = async (): Promise<readonly (string | undefined)[]> => {
    const text = await registry.metrics();
    return ["state", "gate_state"].map(
      (name) => new RegExp(`^hawser_${name}{state="(\\w+)"} 1$`, "m").exec(text)?.[1],
    );
  };
  expect(await states()).toEqual(["stopped", "closed"]);
  await principal.start();
  expect(await states()).toEqual(["open", "open"]);
  const drained = principal.drain({ windowMs: 0, reason: "test" });
  expect(await states()).toEqual(["draining", "open"]);
  expect(await registry.metrics()).toContain("hawser_drain_sessions 0");
  await drained;
  await principal.stop();
  expect(await states()).toEqual(["stopped", "closed"]);
});
