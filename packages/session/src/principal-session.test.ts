import { DEFAULT_TIMING, DEFAULT_WINDOW_BYTES, HawserError, LIMITS } from "@hawser/protocol";
import { describe, expect, it } from "vitest";
import type { PrincipalSession } from "./principal-session.js";
import type { TransportEnd } from "./session-end.js";
import type { SessionTiming } from "./session-timing.js";
import { HELLO, MESSAGES } from "./testing/messages.js";
import {
  ACCEPTANCE,
  brief,
  CLEAN,
  constantRandom,
  DRAIN_ORDER,
  LOST,
  principalIn,
  principalSession,
} from "./testing/sessions.js";

const { closeGraceMs, handshakeTimeoutMs } = DEFAULT_TIMING;

function endOf(principal: PrincipalSession, transport: TransportEnd, nowMs = 10_000) {
  const [output] = principal.transportEnded(transport, nowMs);
  if (output?.kind !== "ended") throw new Error("the session did not end");
  return output.end;
}

describe("the handshake of a principal", () => {
  it("does not take the floor in a hello for true, as it may be from before this principal lost its store", () => {
    const principal = principalIn("awaitingHello");
    principal.receive({ ...HELLO, settled: "5" }, 5);
    const outputs = principal.accept({ sessionId: "s-1", epoch: 1, settled: 0 }, 6);
    expect(outputs).toMatchObject([{ kind: "send" }, { kind: "opened", peer: { peerSettled: 0 } }]);
    expect(principal.receive({ type: "heartbeat", settled: "5" }, 7)).toEqual([
      { kind: "settled", version: 5 },
    ]);
  });

  it("asks who this is and answers with welcome", () => {
    const principal = principalIn("awaitingHello");
    expect(principal.receive(HELLO, 5)).toEqual([{ kind: "authenticate", hello: HELLO }]);
    const timing = { heartbeat_interval_ms: 20_000, heartbeat_timeout_ms: 60_000 };
    expect(principal.accept({ sessionId: "s-1", epoch: 3, settled: 9 }, 6)).toEqual([
      {
        kind: "send",
        message: {
          type: "welcome",
          protocol_version: "1",
          session_id: "s-1",
          epoch: 3,
          store: "principal-store",
          window: 128,
          window_bytes: DEFAULT_WINDOW_BYTES,
          settled: "9",
          ...timing,
          software: "test-principal/1",
        },
      },
      {
        kind: "opened",
        peer: {
          role: "principal",
          agent: "edge-7",
          protocolVersion: "1",
          sessionId: "s-1",
          epoch: 3,
          peerStore: "agent-store",
          peerWindow: 64,
          peerSettled: 0,
          peerSoftware: "test-agent/1",
        },
      },
    ]);
  });

  it("takes the first offered version that it speaks", () => {
    const principal = principalIn("awaitingHello");
    principal.receive({ ...HELLO, protocol_versions: ["7", "1"] }, 0);
    expect(principal.accept(ACCEPTANCE, 0)[1]).toMatchObject({ peer: { protocolVersion: "1" } });
  });

  it("refuses and closes with 4005 when it speaks none of them", () => {
    const principal = principalIn("awaitingHello");
    expect(principal.receive({ ...HELLO, protocol_versions: ["7", "8"] }, 0)).toMatchObject([
      {
        kind: "send",
        message: { type: "refuse", code: "unsupported_version", message: expect.stringContaining("7, 8") },
      },
      { kind: "close", code: 4005 },
    ]);
    expect(endOf(principal, CLEAN)).toMatchObject({ kind: "refused", code: "unsupported_version" });
  });

  it("closes with 4000 when no hello comes in time, and not before", () => {
    const principal = principalIn("awaitingHello");
    expect(principal.nextWakeAt()).toBe(handshakeTimeoutMs);
    expect(principal.wake(handshakeTimeoutMs - 1, 0)).toEqual([]);
    expect(brief(principal.wake(handshakeTimeoutMs, 0))).toEqual(["close 4000"]);
  });

  it("asks the agent to try again when its own decision takes too long", () => {
    const principal = principalSession();
    principal.start(0);
    principal.receive(HELLO, 9_000);
    expect(brief(principal.wake(handshakeTimeoutMs, 0))).toEqual(["send refuse", "close 1013"]);
    expect(principal.accept(ACCEPTANCE, handshakeTimeoutMs + 1)).toEqual([]);
  });

  it("refuses with a time to come back, then closes", () => {
    const principal = principalIn("authenticating");
    const error = new HawserError("overloaded", "200 handshakes at once");
    expect(principal.refuse(error, 1_500.2, 0)).toEqual([
      {
        kind: "send",
        message: {
          type: "refuse",
          code: "overloaded",
          message: "200 handshakes at once",
          retry_after_ms: 1_501,
        },
      },
      { kind: "close", code: 1013, reason: "200 handshakes at once" },
    ]);
    expect(principal.refuse(error, undefined, 1)).toEqual([]);
    expect(principal.accept(ACCEPTANCE, 1)).toEqual([]);
    expect(principal.wake(closeGraceMs, 0)).toMatchObject([{ kind: "terminate" }]);
    expect(endOf(principal, LOST)).toMatchObject({ kind: "retryAfter", ms: 1_501 });
  });

  it("does not tell a stranger what is wrong inside", () => {
    for (const code of ["store_unavailable", "internal"] as const) {
      const outputs = principalIn("authenticating").refuse(new HawserError(code, "/var/db"), undefined, 0);
      expect(JSON.stringify(outputs.filter(({ kind }) => kind !== "ended"))).not.toContain("/var/db");
      expect(outputs[0]).toMatchObject({ message: { code, message: code } });
    }
  });

  it("tells the reason of a failure in a refusal, cut to what fits", () => {
    const error = new HawserError("invalid_agent_name", "é".repeat(2_000));
    const [send, close] = principalIn("awaitingHello").fail(error, 0);
    expect(send).toMatchObject({
      message: { type: "refuse", message: "é".repeat(LIMITS.maxMessageLength) },
    });
    expect(close).toEqual({ kind: "close", code: 4004, reason: "é".repeat(LIMITS.maxReasonLength / 2) });
  });

  it("fails the session when a refusal comes after it was opened", () => {
    const principal = principalIn("open");
    expect(brief(principal.refuse(new HawserError("internal", "x"), 5, 0))).toEqual(["close 1011"]);
    expect(endOf(principal, LOST)).toMatchObject({ kind: "failed", error: { code: "internal" } });
  });
});

describe("a goodbye of the agent", () => {
  it("stops events, is confirmed, and ends clean with the agent's close", () => {
    const principal = principalIn("open");
    expect(principal.receive(MESSAGES.goodbye, 50)).toEqual([
      { kind: "quiesce" },
      { kind: "send", message: { type: "goodbye_ack" } },
    ]);
    expect([principal.maySendEvents, principal.mayReceiveEvents]).toEqual([false, false]);
    expect(endOf(principal, CLEAN, 100)).toMatchObject({ kind: "rotated", livedMs: 100 });
  });

  it("is cut when the agent takes longer than both its steps may", () => {
    const principal = principalIn("parting", { heartbeatIntervalMs: 30_000 });
    expect(brief(principal.wake(2 * closeGraceMs - 1, 0))).not.toContain("terminate timeout");
    expect(brief(principal.wake(2 * closeGraceMs, 0))).toEqual(["terminate timeout"]);
  });

  it("is not a rotation when the agent stops", () => {
    const principal = principalIn("open");
    principal.receive({ type: "goodbye", reason: "stopping" }, 0);
    expect(endOf(principal, CLEAN)).toMatchObject({ kind: "clean" });
  });
});

describe("a session that its agent never renews", () => {
  const aged = (share: number): number => DEFAULT_TIMING.maxSessionAgeMs * share;
  const opened = (timing: Partial<SessionTiming>, draw: number): PrincipalSession => {
    const principal = principalSession(timing, constantRandom(draw));
    principal.receive(HELLO, 0);
    principal.accept(ACCEPTANCE, 0);
    return principal;
  };

  it.each([
    [0, 0.9],
    [1 - Number.EPSILON, 1.1],
  ])(
    "is asked to come back at once when it is an hour old, give or take a tenth (draw %d)",
    (draw, share) => {
      const principal = opened({}, draw);
      const at = aged(share);
      const asked = (nowMs: number): unknown[] =>
        brief(principal.wake(nowMs, 0)).filter((each) => each === "send drain");
      for (let nowMs = 0; nowMs < at - 1_000; nowMs += 10_000) {
        principal.heard(nowMs);
        expect(asked(nowMs)).toEqual([]);
      }
      principal.heard(at);
      expect(asked(at + 1)).toEqual(["send drain"]);
      expect(principal.state.kind).toBe("draining");
      // The hard grace: it does not say goodbye.
      expect(brief(principal.wake(at + 1 + closeGraceMs, 0))).toContain("close 1001");
    },
  );

  it("is left alone when that is switched off", () => {
    const principal = opened({ maxSessionAgeMs: null }, 0);
    principal.heard(aged(2));
    expect(brief(principal.wake(aged(2), 0))).not.toContain("send drain");
  });
});

describe("a drain", () => {
  it("names the slot, lets events flow until the goodbye, and says its notice once", () => {
    const principal = principalIn("open");
    expect(principal.drain({ windowMs: 30_000, slotMs: 6_999.5, reason: "restart" }, 0)).toEqual([
      { kind: "send", message: MESSAGES.drain },
    ]);
    expect(principal.maySendEvents).toBe(true);
    expect(principal.drain(DRAIN_ORDER, 1)).toEqual([]);
    expect(brief(principal.receive({ type: "goodbye", reason: "drain" }, 2))).toEqual([
      "quiesce",
      "send goodbye_ack",
    ]);
    expect(endOf(principal, CLEAN, 0)).toMatchObject({ kind: "drained", slotMs: 7_000, windowMs: 30_000 });
  });

  it("is still said when it crosses a goodbye, so that the agent does not come back at once", () => {
    const principal = principalIn("parting");
    expect(brief(principal.drain(DRAIN_ORDER, 1))).toEqual(["send drain"]);
    expect(principal.state.kind).toBe("parting");
    expect(endOf(principal, CLEAN)).toMatchObject({ kind: "drained" });
  });

  it("closes with 1001 when the agent does not answer, then cuts", () => {
    const principal = principalIn("draining", { heartbeatIntervalMs: 30_000 });
    expect(brief(principal.wake(closeGraceMs - 1, 0))).not.toContain("close 1001");
    expect(brief(principal.wake(closeGraceMs, 0))).toEqual(["close 1001"]);
    expect(brief(principal.wake(2 * closeGraceMs, 0))).toEqual(["terminate timeout"]);
    expect(endOf(principal, LOST)).toMatchObject({ kind: "drained" });
  });

  it.each(["new", "awaitingHello", "authenticating"] as const)(
    "refuses with the slot as the time to come back before the session is open: %s",
    (state) => {
      const principal = principalIn(state);
      expect(principal.drain(DRAIN_ORDER, 0)).toMatchObject([
        { kind: "send", message: { type: "refuse", code: "draining", retry_after_ms: 7_000 } },
        { kind: "close", code: 1012 },
      ]);
    },
  );
});

describe("a takeover", () => {
  it.each(["authenticating", "open", "draining", "parting"] as const)("closes with 4002: %s", (state) => {
    const principal = principalIn(state);
    expect(brief(principal.superseded(0))).toEqual(["close 4002"]);
    expect(principal.superseded(1)).toEqual([]);
    expect([principal.maySendEvents, principal.mayReceiveEvents]).toEqual([false, false]);
    expect(endOf(principal, LOST)).toMatchObject({ kind: "superseded" });
  });
});

describe("a failure on the principal", () => {
  it.each([
    ["handler_failed", 1011, "handler_failed"],
    ["store_full", 4008, "store_full"],
    ["store_unavailable", 4009, "store_unavailable"],
    ["window_exceeded", 4006, "what happened"],
    ["invalid_message", 1002, "what happened"],
  ] as const)("%s closes with %d", (code, closeCode, reason) => {
    const principal = principalIn("open");
    expect(principal.fail(new HawserError(code, "what happened"), 0)).toEqual([
      { kind: "close", code: closeCode, reason },
    ]);
    expect(endOf(principal, LOST)).toMatchObject({ kind: "failed", error: { code } });
  });
});
