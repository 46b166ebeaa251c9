import { createAgent } from "@hawser/agent";
import { HawserError, type HawserEvent } from "@hawser/protocol";
import { createMemoryStore } from "@hawser/store";
import { createMemoryTransport } from "@hawser/transport";
import { expect, it } from "vitest";
import { createAgentMetrics, type AgentMetricsSource } from "./agent-metrics.js";

const event: HawserEvent = {
  specversion: "1.0",
  id: "1",
  source: "test",
  type: "test.one",
  resourceid: "web_u1",
  eventid: "1",
};

function metrics(source: Partial<AgentMetricsSource> = {}) {
  const made = createAgentMetrics({ name: "edge-1", version: "1.2.3" });
  made.watch({ certificateNotAfter: () => undefined, pendingEvents: async () => undefined, ...source });
  /** Lines of ours but the comments. */
  const samples = async (part = ""): Promise<readonly string[]> =>
    (await made.text()).split("\n").filter((line) => line.startsWith("hawser_") && line.includes(part));
  return { ...made, samples };
}

it("tells the state, since when, and what went wrong with connections", async () => {
  const { observer, samples } = metrics();
  expect(await samples('state="stopped"')).toEqual(['hawser_agent_state{state="stopped"} 1']);
  const error = new HawserError("timeout", "no answer");
  observer.state?.({ kind: "waiting", delayMs: 1, reason: "x", error, since: 1_500 });
  observer.state?.({ kind: "waiting", delayMs: 1, reason: "drained", error: undefined, since: 2_500 });
  expect(await samples("hawser_agent_state{")).toEqual(
    ["stopped", "restoring", "connecting", "connected", "waiting", "stopping"].map(
      (state) => `hawser_agent_state{state="${state}"} ${state === "waiting" ? 1 : 0}`,
    ),
  );
  expect(await samples("since")).toEqual(["hawser_agent_state_since_seconds 2.5"]);
  expect(await samples("failures")).toEqual(['hawser_agent_connection_failures_total{code="timeout"} 1']);
});

it("counts events both ways", async () => {
  const { observer, samples } = metrics();
  observer.sent?.(event, 1);
  observer.sent?.(event, 2);
  observer.acked?.({ resourceid: "web_u1", version: 1, rttMs: 40 });
  observer.acked?.({ resourceid: "web_u1", version: 2, rttMs: undefined });
  observer.nacked?.({ resourceid: "a", eventid: "1", retryable: true, code: "handler_failed", message: "" });
  observer.deadLettered?.(event, "handler_rejected", "");
  observer.applied?.(event);
  observer.skipped?.(event, "stale");
  observer.refused?.(event, false, "no_handler", "");
  observer.logLineSuppressed?.();
  expect((await samples("_total")).toSorted()).toEqual([
    'hawser_agent_dead_letters_total{code="handler_rejected"} 1',
    "hawser_agent_events_acked_total 2",
    "hawser_agent_events_applied_total 1",
    'hawser_agent_events_nacked_total{retryable="true"} 1',
    'hawser_agent_events_refused_total{retryable="false"} 1',
    "hawser_agent_events_resent_total 1",
    "hawser_agent_events_sent_total 2",
    'hawser_agent_events_skipped_total{why="stale"} 1',
    "hawser_agent_log_lines_suppressed_total 1",
    "hawser_agent_sessions_total 0",
  ]);
  expect(await samples("ack_seconds_sum")).toEqual(["hawser_agent_ack_seconds_sum 0.04"]);
});

it("reads what waits and when the certificate ends, and says nothing of what it cannot know", async () => {
  const none = metrics();
  expect([...(await none.samples("pending")), ...(await none.samples("not_after"))]).toEqual([]);
  const { samples } = metrics({ certificateNotAfter: () => 1_790_000_000_999, pendingEvents: async () => 7 });
  expect(await samples("pending")).toEqual(["hawser_agent_pending_events 7"]);
  expect(await samples("not_after")).toEqual(["hawser_agent_tls_certificate_not_after_seconds 1790000000"]);
});

it("gathers once for all who ask meanwhile", async () => {
  let asked = 0;
  const { text } = metrics({
    pendingEvents: async () => {
      asked += 1;
      return 0;
    },
  });
  const [one, other] = await Promise.all([text(), text()]);
  expect([asked, other]).toEqual([1, one]);
  await text();
  expect(asked).toBe(2);
});

it("has no gauge with the ending of a counter", async () => {
  const types = [...(await metrics().text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  expect(types.filter(([, name = "", type]) => name.endsWith("_total") && type !== "counter")).toEqual([]);
});

it("hears of an agent that runs, and of its end", async () => {
  const { observer, samples } = metrics();
  const { dialer } = createMemoryTransport();
  const agent = createAgent({ name: "edge-1", store: createMemoryStore(), dialer, observer });
  await agent.start();
  expect(await samples('state="stopped"')).toEqual(['hawser_agent_state{state="stopped"} 0']);
  await agent.stop();
  expect(await samples('state="stopped"')).toEqual(['hawser_agent_state{state="stopped"} 1']);
});
