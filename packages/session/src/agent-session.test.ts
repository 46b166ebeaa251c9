import { DEFAULT_TIMING, DEFAULT_WINDOW_BYTES, HawserError } from "@hawser/protocol";
import { describe, expect, it } from "vitest";
import type { AgentSession } from "./agent-session.js";
import type { TransportEnd } from "./session-end.js";
import { MESSAGES, WELCOME } from "./testing/messages.js";
import { agentIn, agentSession, brief, CLEAN, constantRandom, LOST } from "./testing/sessions.js";

const { closeGraceMs, handshakeTimeoutMs } = DEFAULT_TIMING;

function endOf(agent: AgentSession, transport: TransportEnd, nowMs = 10_000) {
  const [output] = agent.transportEnded(transport, nowMs);
  if (output?.kind !== "ended") throw new Error("the session did not end");
  return output.end;
}

describe("the handshake of an agent", () => {
  it("begins with hello and opens with welcome", () => {
    const agent = agentSession();
    expect(agent.start(0, 41)).toEqual([
      {
        kind: "send",
        message: {
          type: "hello",
          agent: "edge-7",
          protocol_versions: ["1"],
          store: "agent-store",
          window: 64,
          window_bytes: DEFAULT_WINDOW_BYTES,
          settled: "41",
          software: "test-agent/1",
        },
      },
    ]);
    expect(agent.maySendEvents).toBe(false);
    expect(agent.receive(WELCOME, 20)).toEqual([
      {
        kind: "opened",
        peer: {
          role: "agent",
          agent: "edge-7",
          protocolVersion: "1",
          sessionId: "s-1",
          epoch: 3,
          peerStore: "principal-store",
          peerWindow: 128,
          peerSettled: 9,
          peerSoftware: "test-principal/1",
        },
      },
    ]);
    expect(agent.maySendEvents).toBe(true);
  });

  it("closes with 4000 when no welcome comes in time, and not before", () => {
    const agent = agentIn("greeting");
    expect(agent.nextWakeAt()).toBe(handshakeTimeoutMs);
    expect(agent.wake(handshakeTimeoutMs - 1, 0)).toEqual([]);
    expect(brief(agent.wake(handshakeTimeoutMs, 0))).toEqual(["close 4000"]);
    expect(endOf(agent, LOST)).toMatchObject({
      kind: "failed",
      error: { code: "handshake_timeout" },
      openedAtMs: undefined,
      livedMs: 0,
    });
  });

  it("waits for the close behind a refusal and keeps what it said", () => {
    const agent = agentIn("greeting");
    expect(agent.receive(MESSAGES.refuse, 0)).toEqual([]);
    expect(agent.goodbye("stopping", 0)).toEqual([]);
    const end = endOf(agent, { kind: "closed", clean: false, code: 1013, reason: "", by: "peer" });
    expect(end).toMatchObject({ kind: "retryAfter", ms: 4_000, error: { code: "overloaded" } });
  });

  it("counts as refused when the principal speaks a version that it cannot", () => {
    const agent = agentIn("greeting");
    // What the parser throws for a welcome of another version.
    const outputs = agent.fail(new HawserError("unsupported_version", "version 9"), 0);
    expect(outputs).toEqual([{ kind: "close", code: 4005, reason: "version 9" }]);
    const local: TransportEnd = { kind: "closed", clean: false, code: 4005, reason: "", by: "local" };
    expect(endOf(agent, local)).toMatchObject({ kind: "refused", code: "unsupported_version" });
  });

  it("counts as refused when its own store is found to be rolled back behind the welcome, and says to the peer why", () => {
    const agent = agentIn("open");
    const outputs = agent.fail(new HawserError("store_rolled_back", "it is an older copy"), 0);
    expect(outputs).toEqual([{ kind: "close", code: 4010, reason: "it is an older copy" }]);
    const local: TransportEnd = { kind: "closed", clean: false, code: 4010, reason: "", by: "local" };
    expect(endOf(agent, local)).toMatchObject({ kind: "refused", code: "store_rolled_back" });
  });

  it("is broken off by an agent that stops", () => {
    for (const state of ["new", "greeting"] as const) {
      const agent = agentIn(state);
      expect(brief(agent.goodbye("stopping", 0))).toEqual(["close 1000"]);
      expect(agent.receive(WELCOME, 1)).toEqual([]);
      expect(endOf(agent, CLEAN)).toMatchObject({ kind: "clean", openedAtMs: undefined });
    }
  });
});

describe("rotation", () => {
  it.each([
    [0, DEFAULT_TIMING.rotationMinMs],
    [0.5, 30 * 60_000],
    [0.999_999_9, 45 * 60_000 - 0.18],
  ])("is due uniformly between its bounds: a draw of %d gives %d ms", (drawn, dueMs) => {
    const agent = agentSession({}, constantRandom(drawn));
    agent.start(0, 0);
    agent.receive(WELCOME, 100);
    expect(agent.state).toMatchObject({ kind: "open", rotateAtMs: expect.closeTo(dueMs + 100, 3) });
  });

  it("is drawn anew for each connection", () => {
    const draws = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
    const random = { next: () => draws.shift() ?? 0, uuid: () => "" };
    const due = [1, 2].map(() => {
      const agent = agentSession({}, random);
      agent.start(0, 0);
      agent.receive(WELCOME, 0);
      return agent.state.kind === "open" ? agent.state.rotateAtMs : undefined;
    });
    expect(new Set(due).size).toBe(2);
  });

  it("says goodbye, waits for goodbye_ack, finishes, closes with 1000 and ends clean", () => {
    const agent = agentSession({ rotationMinMs: 1_000, rotationMaxMs: 1_000 });
    agent.start(0, 0);
    agent.receive(WELCOME, 0);
    expect(agent.wake(999, 0)).toEqual([]);
    expect(agent.wake(1_000, 0)).toEqual([
      { kind: "quiesce" },
      { kind: "send", message: { type: "goodbye", reason: "rotation" } },
    ]);
    expect([agent.maySendEvents, agent.mayReceiveEvents]).toEqual([false, true]);
    expect(agent.receive(MESSAGES.goodbye_ack, 1_010)).toEqual([]);
    expect(agent.mayReceiveEvents).toBe(false);
    expect(brief(agent.idle(1_500))).toEqual(["close 1000"]);
    expect(agent.idle(1_501)).toEqual([]);
    const end = endOf(agent, { ...CLEAN, by: "local" }, 1_600);
    expect(end).toMatchObject({ kind: "rotated", openedAtMs: 0, livedMs: 1_600 });
  });

  it("does not take an idle from before the goodbye_ack for the last word: an event may still come", () => {
    const agent = agentIn("leaving");
    expect(agent.idle(1)).toEqual([]);
    expect(agent.eventReceived(2)).toEqual([]);
    expect(agent.receive(MESSAGES.goodbye_ack, 3)).toEqual([]);
    expect(brief(agent.idle(4))).toEqual(["close 1000"]);
  });

  it("is cut when the goodbye_ack does not come", () => {
    const agent = agentIn("leaving");
    expect(agent.wake(closeGraceMs - 1, 0).some(({ kind }) => kind === "terminate")).toBe(false);
    expect(brief(agent.wake(closeGraceMs, 0))).toEqual(["terminate timeout"]);
    expect(endOf(agent, LOST)).toMatchObject({ kind: "failed", error: { code: "timeout" } });
  });

  it("closes all the same when finishing takes too long", () => {
    const agent = agentIn("finishing", { heartbeatIntervalMs: 30_000 });
    agent.wake(closeGraceMs - 1, 0);
    expect(brief(agent.wake(closeGraceMs, 0))).toEqual(["close 1000"]);
    expect(endOf(agent, CLEAN)).toMatchObject({ kind: "rotated" });
  });

  it("is a failure when the peer never finishes the close handshake", () => {
    const agent = agentIn("closing");
    expect(agent.wake(closeGraceMs - 1, 0)).toEqual([]);
    const [output] = agent.wake(closeGraceMs, 0);
    if (output?.kind !== "terminate") throw new Error("not terminated");
    expect(endOf(agent, { kind: "lost", error: output.error })).toMatchObject({
      kind: "failed",
      error: { code: "timeout" },
    });
  });

  it("can be switched off", () => {
    const agent = agentIn("open", { rotationMinMs: null, rotationMaxMs: null });
    expect(agent.state).toMatchObject({ kind: "open", rotateAtMs: undefined });
  });
});

describe("a drain notice", () => {
  it("is answered by a goodbye and ends with its slot", () => {
    const agent = agentIn("open");
    expect(agent.receive(MESSAGES.drain, 0)).toEqual([
      { kind: "quiesce" },
      { kind: "send", message: { type: "goodbye", reason: "drain" } },
    ]);
    agent.receive(MESSAGES.goodbye_ack, 1);
    agent.idle(2);
    // What is left of the slot: it counts from the notice.
    expect(endOf(agent, CLEAN, 2_500)).toMatchObject({ kind: "drained", slotMs: 4_500, windowMs: 30_000 });
  });

  it.each(["leaving", "finishing", "closing"] as const)(
    "is heeded when it crosses a goodbye: %s",
    (state) => {
      const agent = agentIn(state);
      expect(agent.receive(MESSAGES.drain, 1)).toEqual([]);
      expect(agent.state.kind).toBe(state);
      expect(endOf(agent, CLEAN, 1)).toMatchObject({ kind: "drained", slotMs: 7_000 });
    },
  );

  it("holds when the principal dies before the goodbye is through", () => {
    const agent = agentIn("open");
    agent.receive(MESSAGES.drain, 0);
    expect(endOf(agent, LOST, 7_001)).toMatchObject({ kind: "drained", slotMs: 0 });
  });

  it("does not hide that something failed here", () => {
    const agent = agentIn("open");
    agent.receive(MESSAGES.drain, 0);
    agent.fail(new HawserError("handler_failed", "boom"), 1);
    expect(endOf(agent, LOST)).toMatchObject({ kind: "failed", error: { code: "handler_failed" } });
  });
});

describe("a failure on the agent", () => {
  it.each(["open", "leaving", "finishing"] as const)("closes and names no detail of its own: %s", (state) => {
    const agent = agentIn(state);
    const error = new HawserError("handler_failed", "cannot write /secret/path");
    expect(agent.fail(error, 1)).toEqual([{ kind: "close", code: 1011, reason: "handler_failed" }]);
    expect(agent.fail(new HawserError("internal", "again"), 2)).toEqual([]);
    expect(endOf(agent, LOST)).toMatchObject({ kind: "failed", error: { message: error.message } });
  });

  it("ends once, whatever comes afterwards", () => {
    const agent = agentIn("open");
    expect(brief(agent.transportEnded(LOST, 1))).toEqual(["ended failed"]);
    expect(agent.transportEnded(CLEAN, 2)).toEqual([]);
    expect(agent.wake(1e9, 0)).toEqual([]);
    expect(agent.goodbye("stopping", 3)).toEqual([]);
    expect(agent.fail(new HawserError("internal", "late"), 3)).toEqual([]);
    expect(agent.idle(3)).toEqual([]);
  });
});

describe("how the principal's close reads", () => {
  it.each([
    [1000, true, "clean", undefined],
    [1001, true, "clean", undefined],
    [1002, false, "failed", "invalid_message"],
    [1008, false, "failed", "forbidden"],
    [1012, false, "failed", "draining"],
    [1013, false, "failed", "overloaded"],
    [4000, false, "failed", "handshake_timeout"],
    [4002, false, "superseded", "superseded"],
    [4003, false, "refused", "unauthenticated"],
    [4004, false, "refused", "forbidden"],
    [4005, false, "refused", "unsupported_version"],
    [4008, false, "failed", "store_full"],
    [4009, false, "failed", "store_unavailable"],
    [4010, false, "refused", "store_rolled_back"],
    [4011, false, "refused", "agent_removed"],
    [4999, false, "failed", "connection_closed"],
  ] as const)("%d", (code, clean, kind, errorCode) => {
    const end = endOf(agentIn("open"), { kind: "closed", clean, code, reason: "why", by: "peer" });
    expect(end.kind).toBe(kind);
    if (errorCode !== undefined) expect(end).toMatchObject({ error: { code: errorCode } });
  });
});

describe("a connection that its other end wants replaced", () => {
  it("is renewed at once, and its loss is no failure", () => {
    const agent = agentIn("open");
    expect(brief(agent.rotateOnRequest(9_000))).toEqual(["quiesce", "send goodbye"]);
    expect(endOf(agent, LOST, 20_000)).toMatchObject({ kind: "rotated" });
  });

  it("is lost as a failure where nobody asked", () => {
    const agent = agentIn("open");
    agent.goodbye("rotation", 9_000);
    expect(endOf(agent, LOST, 20_000)).toMatchObject({ kind: "failed" });
  });
});

describe("a connection that is lost with a refusal", () => {
  const asked = new HawserError("overloaded", "the line is full", {
    cause: { retryAfterMs: 1_500, slot: true },
  });

  it("counts as a refused dial before the welcome, and as a loss behind it", () => {
    const lost = { kind: "lost", error: asked } as const;
    expect(endOf(agentIn("greeting"), lost)).toMatchObject({ kind: "retryAfter", ms: 1_500, slot: true });
    expect(endOf(agentIn("open"), lost)).toMatchObject({ kind: "failed", error: asked });
  });
});
