import { DEFAULT_TIMING, LIMITS } from "@hawser/protocol";
import { describe, expect, it } from "vitest";
import { MAX_SESSION_TIMING_MS, resolveSessionTiming, type SessionTiming } from "./session-timing.js";
import { agentSession, principalSession } from "./testing/sessions.js";

describe("session timing", () => {
  it("is what the protocol says by default", () => {
    expect(resolveSessionTiming()).toEqual(DEFAULT_TIMING);
  });

  it("takes what is given and keeps the rest", () => {
    expect(resolveSessionTiming({ closeGraceMs: 1 })).toEqual({ ...DEFAULT_TIMING, closeGraceMs: 1 });
  });

  it("switches rotation off with a null", () => {
    const off = { rotationMinMs: null, rotationMaxMs: null };
    for (const options of [off, { rotationMinMs: null }, { rotationMaxMs: null }])
      expect(resolveSessionTiming(options)).toMatchObject(off);
  });

  it("allows equal bounds, so that a rotation can be had to the millisecond", () => {
    const options = { rotationMinMs: 30_000, rotationMaxMs: 30_000 };
    expect(resolveSessionTiming(options)).toMatchObject(options);
  });

  it.each<[string, Partial<SessionTiming>]>([
    ["rotationMinMs (2) must not be above rotationMaxMs (1)", { rotationMinMs: 2, rotationMaxMs: 1 }],
    ["rotationMinMs (900000) must not be above rotationMaxMs (60000)", { rotationMaxMs: 60_000 }],
    ["must both be null", { rotationMinMs: null, rotationMaxMs: 5 }],
    ["closeGraceMs must be a whole number of milliseconds from 1", { closeGraceMs: 0 }],
    ["handshakeTimeoutMs must be", { handshakeTimeoutMs: 1.5 }],
    ["handshakeTimeoutMs must be", { handshakeTimeoutMs: Number.NaN }],
    ["rotationMaxMs must be", { rotationMaxMs: MAX_SESSION_TIMING_MS + 1 }],
    ["heartbeatIntervalMs must be", { heartbeatIntervalMs: LIMITS.minHeartbeatIntervalMs - 1 }],
    ["heartbeatTimeoutMs must be", { heartbeatTimeoutMs: LIMITS.maxDurationMs + 1 }],
    ["heartbeatTimeoutMs (39999) must be at least twice", { heartbeatTimeoutMs: 39_999 }],
  ])("refuses: %s", (message, options) => {
    const refusal = expect.objectContaining({
      code: "invalid_config",
      message: expect.stringContaining(message),
    });
    expect(() => resolveSessionTiming(options)).toThrow(refusal);
    expect(() => agentSession(options)).toThrow(refusal);
    expect(() => principalSession(options)).toThrow(refusal);
  });
});
