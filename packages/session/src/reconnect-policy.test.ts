import { HawserError } from "@hawser/protocol";
import { seededRandom } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import type { DialFailure } from "./session-end.js";
import { REFUSAL_CODES, type RefusalCode } from "./close-reasons.js";
import { ReconnectPolicy } from "./reconnect-policy.js";
import { DEFAULT_RECONNECT_TIMING, resolveReconnectTiming } from "./reconnect-timing.js";
import type { EndReason } from "./session-end.js";
import { constantRandom } from "./testing/sessions.js";

const LOWEST = constantRandom(0);
/** As good as 1, which a draw never is. */
const HIGHEST = constantRandom(1 - Number.EPSILON);

const FAILED: EndReason = { kind: "failed", error: new HawserError("connection_closed", "reset") };
const DRAINED: EndReason = { kind: "drained", slotMs: 7_000, windowMs: 30_000 };

function refused(code: RefusalCode): EndReason {
  return { kind: "refused", code, error: new HawserError(code, "no"), retryAfterMs: undefined };
}

function dialFailed(code: HawserError["code"], cause?: unknown): DialFailure {
  return { kind: "dialFailed", error: new HawserError(code, "dial", { cause }) };
}

/** What follows on a session that was open for `livedMs`. */
function after(policy: ReconnectPolicy, end: EndReason, livedMs: number) {
  policy.opened(1_000);
  return policy.next(end, 1_000 + livedMs);
}

describe("rotation and clean ends", () => {
  it.each([{ kind: "rotated" }, { kind: "clean" }] as const)("at once: $kind", (end) => {
    const policy = new ReconnectPolicy({ random: HIGHEST });
    expect(after(policy, end, 5_000)).toMatchObject({ delayMs: 0, loud: false });
    expect(policy.failures).toBe(0);
  });

  it.each([{ kind: "rotated" }, { kind: "clean" }] as const)("a failure when short: $kind", (end) => {
    const policy = new ReconnectPolicy({ random: HIGHEST });
    expect(after(policy, end, 4_999).delayMs).toBeCloseTo(500);
    expect(after(policy, end, 4_999).delayMs).toBeCloseTo(1_000);
  });

  it("a failure when the session never opened", () => {
    const policy = new ReconnectPolicy({ random: LOWEST });
    expect(policy.next({ kind: "clean" }, 9_999_999)).toMatchObject({ delayMs: 250 });
  });
});

describe("a drain notice", () => {
  it("at its slot exactly, without growth", () => {
    const policy = new ReconnectPolicy({ random: HIGHEST });
    for (let round = 0; round < 3; round += 1)
      expect(after(policy, DRAINED, 10_000)).toMatchObject({ delayMs: 7_000, loud: false });
    expect(policy.failures).toBe(0);
  });

  it("with slot 0 at once, but not in a loop of sessions that hardly live", () => {
    const policy = new ReconnectPolicy({ random: LOWEST });
    const now = { kind: "drained", slotMs: 0, windowMs: 0 } as const;
    expect(after(policy, now, 5_000).delayMs).toBe(0);
    expect(after(policy, now, 4_999).delayMs).toBe(250);
  });

  it("no later than an hour, whatever it asks for", () => {
    const policy = new ReconnectPolicy({ random: LOWEST });
    expect(after(policy, { ...DRAINED, slotMs: 1e12 }, 10_000).delayMs).toBe(3_600_000);
  });
});

describe("refused with a time to come back", () => {
  const retryAfter = (ms: number, slot: boolean): EndReason => ({
    kind: "retryAfter",
    ms,
    slot,
    error: new HawserError("overloaded", "later"),
  });

  it.each([
    [0, 250],
    [249, 250],
    [1_005, 1_005],
    [3_600_001, 3_600_000],
  ])("a slot in %d ms: exactly then, without growth", (ms, delayMs) => {
    const policy = new ReconnectPolicy({ random: HIGHEST });
    for (let round = 0; round < 3; round += 1)
      expect(policy.next(retryAfter(ms, true), 0)).toMatchObject({ delayMs, loud: false });
    expect(policy.failures).toBe(0);
  });

  it.each([
    [0, 250, 250],
    [1_000, 1_000, 1_250],
    [60_000, 60_000, 66_000],
    [3_600_000, 3_600_000, 3_630_000],
  ])(
    "%d ms for everybody: never before it, spread a little after it, without growth",
    (ms, earliest, latest) => {
      expect(new ReconnectPolicy({ random: LOWEST }).next(retryAfter(ms, false), 0).delayMs).toBe(earliest);
      const policy = new ReconnectPolicy({ random: HIGHEST });
      expect(policy.next(retryAfter(ms, false), 0).delayMs).toBeCloseTo(latest);
      expect(policy.next(retryAfter(ms, false), 0).delayMs).toBeCloseTo(latest);
      expect(policy.failures).toBe(0);
    },
  );
});

describe("identity or version refused", () => {
  it.each(REFUSAL_CODES)("within 30 seconds at first, then up to 5 to 10 minutes, loud: %s", (code) => {
    const [low, high] = [new ReconnectPolicy({ random: LOWEST }), new ReconnectPolicy({ random: HIGHEST })];
    const lowest = Array.from({ length: 7 }, () => low.next(refused(code), 0));
    const highest = Array.from({ length: 7 }, () => Math.round(high.next(refused(code), 0).delayMs));
    expect(lowest[0]).toMatchObject({ delayMs: 15_000, loud: true, reason: expect.stringContaining(code) });
    expect(lowest.map(({ delayMs }) => delayMs / 1_000)).toEqual([15, 30, 60, 120, 240, 300, 300]);
    expect(highest.map((delayMs) => delayMs / 1_000)).toEqual([30, 60, 120, 240, 480, 600, 600]);
  });

  it("within 30 seconds again after a session", () => {
    const policy = new ReconnectPolicy({ random: LOWEST });
    for (let count = 0; count < 5; count += 1) policy.next(refused("unauthenticated"), 0);
    policy.opened(0);
    expect(policy.next(refused("unauthenticated"), 1_000).delayMs).toBe(15_000);
  });

  it("later still when the principal asks for that", () => {
    const end = { kind: "refused", code: "forbidden", error: new HawserError("forbidden", "no") } as const;
    const policy = new ReconnectPolicy({ random: LOWEST });
    expect(policy.next({ ...end, retryAfterMs: 900_000 }, 0).delayMs).toBe(900_000);
    expect(policy.next({ ...end, retryAfterMs: 1 }, 0).delayMs).toBe(30_000);
  });

  it("new credentials end the wait, once", () => {
    const policy = new ReconnectPolicy({ random: LOWEST });
    expect(policy.credentialsChanged()).toBe(false);
    policy.next(refused("unauthenticated"), 0);
    expect(policy.credentialsChanged()).toBe(true);
    expect(policy.credentialsChanged()).toBe(false);
  });

  it("new credentials do not end any other wait", () => {
    const policy = new ReconnectPolicy({ random: LOWEST });
    for (const end of [refused("unsupported_version"), refused("store_rolled_back"), FAILED, DRAINED]) {
      policy.next(refused("forbidden"), 0);
      policy.next(end, 0);
      expect(policy.credentialsChanged()).toBe(false);
    }
    policy.next(refused("forbidden"), 0);
    policy.opened(1);
    expect(policy.credentialsChanged()).toBe(false);
  });
});

describe("anything else", () => {
  it("full jitter above the floor over an exponential up to two minutes", () => {
    const low = new ReconnectPolicy({ random: LOWEST });
    const high = new ReconnectPolicy({ random: HIGHEST });
    const ceilings = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 120_000, 120_000];
    for (const ceiling of ceilings) {
      expect(low.next(FAILED, 0)).toMatchObject({ delayMs: 250, loud: false });
      expect(high.next(FAILED, 0).delayMs).toBeCloseTo(ceiling);
    }
  });

  it("stays at the cap however often it fails", () => {
    const policy = new ReconnectPolicy({ random: HIGHEST });
    for (let failure = 0; failure < 5_000; failure += 1) policy.next(FAILED, 0);
    expect(policy.next(FAILED, 0).delayMs).toBeCloseTo(120_000);
  });

  it("spreads a fleet that has reached the cap over the whole of it", () => {
    const random = seededRandom(7);
    const policy = new ReconnectPolicy({ random });
    for (let failure = 0; failure < 20; failure += 1) policy.next(FAILED, 0);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 10_000; draw += 1) {
      const tenth = Math.floor((policy.next(FAILED, 0).delayMs / 120_000) * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(count).toBeGreaterThan(800);
  });

  it("is forgotten only after a session of a minute", () => {
    const policy = new ReconnectPolicy({ random: HIGHEST });
    for (let failure = 0; failure < 6; failure += 1) policy.next(FAILED, 0);
    expect(after(policy, FAILED, 59_999).delayMs).toBeCloseTo(32_000);
    expect(after(policy, { kind: "clean" }, 59_999).delayMs).toBe(0);
    expect(policy.failures).toBe(7);
    expect(after(policy, FAILED, 60_000).delayMs).toBeCloseTo(500);
  });

  it("does not count the uptime of a session twice", () => {
    const policy = new ReconnectPolicy({ random: HIGHEST });
    expect(after(policy, FAILED, 60_000).delayMs).toBeCloseTo(500);
    expect(policy.next(dialFailed("connection_failed"), 200_000).delayMs).toBeCloseTo(1_000);
  });

  it("backs off after a takeover like after any failure, but says so aloud", () => {
    const end: EndReason = { kind: "superseded", error: new HawserError("superseded", "4002") };
    const policy = new ReconnectPolicy({ random: HIGHEST });
    expect(after(policy, end, 10_000)).toMatchObject({ loud: true, delayMs: expect.closeTo(500, 3) });
    expect(after(policy, end, 10_000).delayMs).toBeCloseTo(1_000);
  });
});

describe("a failed dial", () => {
  it.each(["connection_failed", "timeout", "aborted", "overloaded", "internal"] as const)(
    "backs off: %s",
    (code) => {
      const policy = new ReconnectPolicy({ random: LOWEST });
      expect(policy.next(dialFailed(code), 0)).toMatchObject({ delayMs: 250, loud: false });
      expect(policy.failures).toBe(1);
    },
  );

  it.each(["unauthenticated", "forbidden"] as const)("waits for credentials: %s", (code) => {
    const policy = new ReconnectPolicy({ random: LOWEST });
    expect(policy.next(dialFailed(code), 0)).toMatchObject({ delayMs: 15_000, loud: true });
    expect(policy.credentialsChanged()).toBe(true);
  });

  it("comes back at the slot the server named", () => {
    const policy = new ReconnectPolicy({ random: HIGHEST });
    expect(policy.next(dialFailed("overloaded", { retryAfterMs: 9_001, slot: true }), 0).delayMs).toBe(9_001);
    expect(policy.failures).toBe(0);
  });

  it("comes back when it was asked to", () => {
    const policy = new ReconnectPolicy({ random: LOWEST });
    expect(policy.next(dialFailed("overloaded", { retryAfterMs: 9_000 }), 0).delayMs).toBe(9_000);
    expect(policy.failures).toBe(0);
  });

  it.each([null, "soon", { retryAfterMs: "9" }, { retryAfterMs: -1 }, { retryAfterMs: Number.NaN }])(
    "backs off when the time is not one: %j",
    (cause) => {
      const policy = new ReconnectPolicy({ random: LOWEST });
      policy.next(dialFailed("overloaded", cause), 0);
      expect(policy.failures).toBe(1);
    },
  );
});

describe("reconnect timing", () => {
  it("is filled in", () => {
    expect(resolveReconnectTiming()).toEqual(DEFAULT_RECONNECT_TIMING);
    expect(resolveReconnectTiming({ backoffMinMs: 9 })).toMatchObject({
      backoffMinMs: 9,
      refusedFirstMs: 30_000,
    });
  });

  it.each([
    ["backoffMinMs (2) must not be above backoffMaxMs (1)", { backoffMinMs: 2, backoffMaxMs: 1 }],
    ["refusedFirstMs (30000) must not be above refusedMaxMs (9)", { refusedMaxMs: 9 }],
    ["stableAfterMs must be", { stableAfterMs: 0 }],
    ["shortSessionMs must be", { shortSessionMs: Number.POSITIVE_INFINITY }],
  ])("refuses: %s", (message, timing) => {
    expect(() => new ReconnectPolicy({ random: LOWEST, timing })).toThrow(
      expect.objectContaining({ code: "invalid_config", message: expect.stringContaining(message) }),
    );
  });
});
