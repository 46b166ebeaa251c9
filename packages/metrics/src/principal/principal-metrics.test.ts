import type { AgentView } from "@hawser/principal";
import { ERROR_CODES, type HawserEvent } from "@hawser/protocol";
import { systemTimers } from "@hawser/runtime";
import { Registry, register } from "prom-client";
import { describe, expect, it } from "vitest";
import {
  createPrincipalMetrics,
  type PrincipalMetrics,
  type PrincipalMetricsOptions,
} from "./principal-metrics.js";
import { VERSION } from "../version.js";

const event: HawserEvent = {
  specversion: "1.0",
  id: "1",
  source: "test",
  type: "com.example.ping",
  resourceid: "a_1",
  eventid: "1",
};

function create(options: PrincipalMetricsOptions = {}): PrincipalMetrics {
  return createPrincipalMetrics({ process: false, ...options });
}

/** The samples of one metric as Prometheus reads them, e.g. `{agent="a"} 1`. */
async function samples(metrics: PrincipalMetrics, name: string): Promise<string[]> {
  const text = await metrics.registry.metrics();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length).trim())
    .sort();
}

function view(name: string, pending: number, transport?: string): AgentView {
  const session = {
    id: "s",
    epoch: 1,
    address: "a",
    internal: name.startsWith("own-"),
    software: "t",
    connectedAt: 0,
    ageMs: 0,
    inFlight: 0,
  };
  return {
    name,
    state: transport === undefined ? "disconnected" : "connected",
    reason: "",
    session: transport === undefined ? undefined : { ...session, transport },
    lastSeenAt: undefined,
    lastAckAt: undefined,
    pending,
    deadLetters: 2 * pending,
    mailboxBytes: 0,
    lastVersion: 0,
    everConnected: true,
  };
}

/** Agents in pages, as a principal gives them. */
function agents(views: readonly AgentView[]): { pages: number } & Parameters<PrincipalMetrics["watch"]>[0] {
  return {
    pages: 0,
    async agents({ after = "", limit }) {
      this.pages += 1;
      return views.filter(({ name }) => name > after).slice(0, limit);
    },
  };
}

describe("what is counted", () => {
  it("counts the life of events per agent", async () => {
    const metrics = create();
    const { observer } = metrics;
    for (const eventid of ["1", "2", "3"]) observer.accepted?.("a", { ...event, eventid });
    const link = observer.link?.("a");
    link?.sent?.(event, 1);
    link?.sent?.(event, 2);
    link?.acked?.({ resourceid: "a_1", version: 1, rttMs: 3 });
    link?.acked?.({ resourceid: "a_1", version: 2, rttMs: undefined });
    link?.nacked?.({ resourceid: "a", eventid: "1", retryable: true, code: "handler_failed", message: "" });
    link?.nacked?.({ resourceid: "a", eventid: "1", retryable: false, code: "no_handler", message: "" });
    link?.nacked?.({ resourceid: "a", eventid: "2", retryable: false, code: "no_handler", message: "" });
    link?.deadLettered?.(event, "no_handler", "");
    link?.applied?.(event);
    link?.skipped?.(event, "stale");
    link?.refused?.(event, true, "handler_failed", "");
    observer.rejected?.("a", "mailbox_full");

    const expected: Record<string, string[]> = {
      hawser_events_accepted_total: ['{agent="a"} 3'],
      hawser_events_sent_total: ['{agent="a"} 2'],
      hawser_events_resent_total: ['{agent="a"} 1'],
      hawser_events_acked_total: ['{agent="a"} 2'],
      hawser_events_nacked_total: ['{agent="a",retryable="false"} 2', '{agent="a",retryable="true"} 1'],
      hawser_events_rejected_total: ['{agent="a",code="mailbox_full"} 1'],
      hawser_dead_letters_total: ['{agent="a",code="no_handler"} 1'],
      hawser_events_applied_total: ['{agent="a"} 1'],
      hawser_events_skipped_total: [
        '{agent="a",why="discarded"} 0',
        '{agent="a",why="duplicate"} 0',
        '{agent="a",why="stale"} 1',
      ],
      hawser_events_refused_total: ['{agent="a",retryable="false"} 0', '{agent="a",retryable="true"} 1'],
      hawser_ack_seconds_count: ["1"],
      hawser_ack_seconds_sum: ["0.003"],
    };
    for (const [name, values] of Object.entries(expected)) {
      expect(await samples(metrics, name), name).toEqual(values);
    }
    expect(await samples(metrics, "hawser_ack_seconds_bucket")).toContain('{le="0.005"} 1');
    expect(await samples(metrics, "hawser_ack_seconds_bucket")).toContain('{le="0.0025"} 0');
  });

  it("does not count anything twice when it is scraped twice", async () => {
    const metrics = create();
    metrics.observer.accepted?.("a", event);
    await metrics.registry.metrics();
    expect(await samples(metrics, "hawser_events_accepted_total")).toEqual(['{agent="a"} 1']);
  });

  it("counts refused sessions by code, without the name somebody claimed", async () => {
    const metrics = create();
    metrics.observer.sessionRefused?.("made-up-1", "forbidden");
    metrics.observer.sessionRefused?.("made-up-2", "forbidden");
    expect(await samples(metrics, "hawser_session_refusals_total")).toEqual(['{code="forbidden"} 2']);
    expect(await metrics.registry.metrics()).not.toContain("made-up");
  });

  it("tells the version", async () => {
    expect(await samples(create(), "hawser_info")).toEqual([`{version="${VERSION}"} 1`]);
  });

  it("brings the metrics of the process, and never touches the global registry", async () => {
    const metrics = createPrincipalMetrics();
    expect(await samples(metrics, "nodejs_eventloop_lag_p99_seconds")).toHaveLength(1);
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  it("uses the registry it is given", () => {
    const registry = new Registry();
    expect(create({ registry }).registry).toBe(registry);
    expect(registry.getSingleMetric("hawser_events_sent_total")).toBeDefined();
  });
});

describe("series and their bound", () => {
  it("removes every series of an agent that is gone, and no other", async () => {
    const metrics = create();
    const { observer } = metrics;
    for (const agent of ["a", "b"]) {
      observer.accepted?.(agent, event);
      observer.rejected?.(agent, "mailbox_full");
      observer.link?.(agent)?.deadLettered?.(event, "expired", "");
    }
    expect(await metrics.registry.metrics()).toContain('agent="a"');
    observer.gone?.("a");
    const text = await metrics.registry.metrics();
    expect(text).not.toContain('agent="a"');
    expect(text).toContain('hawser_dead_letters_total{agent="b",code="expired"} 1');
  });

  it("gives maxAgents agents a series, the rest one together, and room again when one is gone", async () => {
    const metrics = create({ maxAgents: 2 });
    for (const agent of ["a", "b", "c", "d"]) metrics.observer.accepted?.(agent, event);
    expect(await samples(metrics, "hawser_events_accepted_total")).toEqual([
      '{agent="a"} 1',
      '{agent="b"} 1',
      '{agent="other"} 2',
    ]);
    metrics.observer.gone?.("a");
    metrics.observer.accepted?.("e", event);
    expect(await samples(metrics, "hawser_events_accepted_total")).toEqual([
      '{agent="b"} 1',
      '{agent="e"} 1',
      '{agent="other"} 2',
    ]);
  });

  it("gives no series to a name that was only refused", async () => {
    const metrics = create();
    metrics.observer.rejected?.("made-up", "mailbox_full");
    expect(await samples(metrics, "hawser_events_rejected_total")).toEqual([
      '{agent="other",code="mailbox_full"} 1',
    ]);
  });

  it("keeps the label code to the closed set", async () => {
    const metrics = create();
    metrics.observer.accepted?.("a", event);
    for (const code of [...ERROR_CODES, "made up 1", "made up 2"]) metrics.observer.rejected?.("a", code);
    const found = await samples(metrics, "hawser_events_rejected_total");
    expect(found).toHaveLength(ERROR_CODES.length + 1);
    expect(found).toContain('{agent="a",code="other"} 2');
  });

  it("leaves the label agent out on request", async () => {
    const metrics = create({ perAgent: false });
    metrics.watch(agents([view("a", 1, "grpc"), view("b", 2)]));
    metrics.observer.accepted?.("a", event);
    metrics.observer.accepted?.("b", event);
    expect(await samples(metrics, "hawser_events_accepted_total")).toEqual(["2"]);
    expect(await samples(metrics, "hawser_pending_events")).toEqual(["3"]);
    expect(await metrics.registry.metrics()).not.toContain("agent=");
  });

  it("without labels everything begins with 0, but for what cannot be read", async () => {
    const metrics = create({ perAgent: false });
    metrics.watch(agents([]));
    expect(await samples(metrics, "hawser_events_accepted_total")).toEqual(["0"]);
    expect(await samples(metrics, "hawser_pending_events")).toEqual(["0"]);
    metrics.watch({ agents: () => Promise.reject(new Error("the disk is gone")) });
    expect(await samples(metrics, "hawser_pending_events")).toEqual([]);
  });
});

describe("gauges", () => {
  it("reads pending events, dead letters and sessions at each scrape, once for all gauges", async () => {
    const metrics = create();
    const source = agents([
      view("a", 1, "grpc"),
      view("b", 2, "ws-json"),
      view("c", 3, "grpc"),
      view("own-1", 0, "grpc"),
    ]);
    metrics.watch(source);
    expect(await samples(metrics, "hawser_sessions")).toEqual([
      '{transport="grpc",port="agents"} 2',
      '{transport="grpc",port="internal"} 1',
      '{transport="ws-json",port="agents"} 1',
    ]);
    expect(source.pages).toBe(1);
    expect(await samples(metrics, "hawser_pending_events")).toEqual([
      '{agent="a"} 1',
      '{agent="b"} 2',
      '{agent="c"} 3',
      '{agent="own-1"} 0',
    ]);
    expect(await samples(metrics, "hawser_dead_letter_events")).toContain('{agent="c"} 6');
  });

  it("pages through many agents and keeps to the bound", async () => {
    const metrics = create({ maxAgents: 2 });
    metrics.observer.accepted?.("agent-2500", event);
    const names = Array.from({ length: 2_501 }, (_, index) => `agent-${String(index).padStart(4, "0")}`);
    metrics.watch(agents(names.map((name) => view(name, 1))));
    expect(await samples(metrics, "hawser_pending_events")).toEqual([
      '{agent="agent-0000"} 1',
      '{agent="agent-2500"} 1',
      '{agent="other"} 2499',
    ]);
  });

  it("lets others have the event loop between one metric and the next", async () => {
    const metrics = create();
    metrics.observer.accepted?.("a", event);
    let over = false;
    let turns = 0;
    const count = (): void => {
      turns += 1;
      if (!over) systemTimers.soon(count);
    };
    count();
    await metrics.registry.metrics();
    over = true;
    expect(turns).toBeGreaterThan(10);
  });

  it("forgets agents that are no longer there", async () => {
    const metrics = create();
    metrics.watch(agents([view("a", 1, "grpc")]));
    await metrics.registry.metrics();
    metrics.watch(agents([]));
    expect(await samples(metrics, "hawser_pending_events")).toEqual([]);
    expect(await samples(metrics, "hawser_sessions")).toEqual([]);
  });

  it("tells everything else when the agents cannot be read", async () => {
    const metrics = create();
    metrics.observer.accepted?.("a", event);
    metrics.watch({ agents: () => Promise.reject(new Error("the disk is gone")) });
    expect(await samples(metrics, "hawser_pending_events")).toEqual([]);
    expect(await samples(metrics, "hawser_events_accepted_total")).toEqual(['{agent="a"} 1']);
  });
});
