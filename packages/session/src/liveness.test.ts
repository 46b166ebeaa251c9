import { describe, expect, it } from "vitest";
import { agentLiveness, Liveness, MIN_HEARD_BYTES } from "./liveness.js";
import { resolveSessionTiming } from "./session-timing.js";
import { HELLO, MESSAGES, WELCOME } from "./testing/messages.js";
import {
  ACCEPTANCE,
  agentIn,
  agentSession,
  brief,
  constantRandom,
  principalSession,
} from "./testing/sessions.js";

const rotationOff = { rotationMinMs: null, rotationMaxMs: null };

describe("heartbeats", () => {
  it("go out every interval from a drawn beginning and carry the settled floor", () => {
    const agent = agentSession(rotationOff, constantRandom(0.25));
    agent.start(0, 0);
    agent.receive(WELCOME, 0);
    const sent: [number, string][] = [];
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 1_000) {
      agent.heard(nowMs);
      for (const output of agent.wake(nowMs, nowMs / 1_000))
        if (output.kind === "send" && output.message.type === "heartbeat")
          sent.push([nowMs, output.message.settled]);
    }
    expect(sent).toEqual([
      [5_000, "5"],
      [25_000, "25"],
      [45_000, "45"],
    ]);
  });

  it("are not made up for after a pause", () => {
    const agent = agentSession(rotationOff, constantRandom(0));
    agent.start(0, 0);
    agent.receive(WELCOME, 0);
    agent.heard(59_000);
    expect(brief(agent.wake(59_000, 0))).toEqual(["send heartbeat"]);
    expect(agent.wake(59_000, 0)).toEqual([]);
    expect(agent.nextWakeAt()).toBe(79_000);
  });

  it("go on while the agent leaves, and stop with the close", () => {
    const agent = agentIn("finishing", { heartbeatIntervalMs: 1_000 });
    expect(brief(agent.wake(1_000, 0))).toEqual(["send heartbeat"]);
    agent.idle(1_001);
    expect(agent.wake(2_500, 0)).toEqual([]);
  });

  it("tell how far the peer has settled, and never go back", () => {
    const agent = agentIn("open");
    expect(agent.receive({ type: "heartbeat", settled: "9" }, 1)).toEqual([]);
    expect(agent.receive(MESSAGES.heartbeat, 2)).toEqual([{ kind: "settled", version: 12 }]);
    expect(agent.receive({ type: "heartbeat", settled: "11" }, 3)).toEqual([]);
    expect(agent.receive(MESSAGES.heartbeat, 4)).toEqual([]);
  });
});

describe("silence", () => {
  it("is measured from the last frame, whatever it was, on both sides", () => {
    const agent = agentSession(rotationOff, constantRandom(0));
    agent.start(0, 0);
    agent.receive(WELCOME, 0);
    const principal = principalSession({}, constantRandom(0));
    principal.receive(HELLO, 0);
    principal.accept(ACCEPTANCE, 0);
    for (const session of [agent, principal]) {
      session.heard(50_000);
      session.wake(109_999, 0);
      expect(session.wake(109_999, 0)).toEqual([]);
      expect(brief(session.wake(110_000, 0))).toEqual(["terminate heartbeat_timeout"]);
    }
  });
});

describe("the pace of an agent", () => {
  const pace = (own: object, interval: number, timeout: number) =>
    agentLiveness(resolveSessionTiming(own), {
      ...WELCOME,
      heartbeat_interval_ms: interval,
      heartbeat_timeout_ms: timeout,
    });

  it("is the principal's when that is faster", () => {
    expect(pace({}, 1_000, 3_000)).toEqual({ intervalMs: 1_000, timeoutMs: 3_000 });
  });

  it("is its own when that is stricter", () => {
    const own = { heartbeatIntervalMs: 5_000, heartbeatTimeoutMs: 45_000 };
    expect(pace(own, 20_000, 60_000)).toEqual({ intervalMs: 5_000, timeoutMs: 45_000 });
  });

  it("never takes the principal's own pace for silence", () => {
    const own = { heartbeatIntervalMs: 1_000, heartbeatTimeoutMs: 2_000 };
    expect(pace(own, 20_000, 60_000)).toEqual({ intervalMs: 1_000, timeoutMs: 40_000 });
    expect(pace({}, 50_000, 50_000)).toEqual({ intervalMs: 20_000, timeoutMs: 100_000 });
  });
});

describe("bytes of a message under way", () => {
  const TERMS = { intervalMs: 20_000, timeoutMs: 60_000 };

  /** When the peer counts as silent, if its bytes come evenly and it is looked at every interval; undefined when it does not within an hour. */
  function silentAt(bytesPerMinute: number): number | undefined {
    const liveness = new Liveness(TERMS, constantRandom(0), 0);
    for (let nowMs = 0; nowMs <= 3_600_000; nowMs += 20_000) {
      liveness.received((nowMs / 60_000) * bytesPerMinute, nowMs);
      if (liveness.isSilent(nowMs)) return nowMs;
    }
    return undefined;
  }

  it("count as life, as many as come to something (a line of 9 KB/s lost its session over a message of 1 MB)", () => {
    expect(silentAt(9_000 * 60)).toBeUndefined();
    expect(silentAt(MIN_HEARD_BYTES)).toBeUndefined();
    expect(silentAt(0.9 * MIN_HEARD_BYTES)).toBe(60_000);
    // Pings of the transport, say.
    expect(silentAt(200)).toBe(60_000);
    expect(silentAt(0)).toBe(60_000);
  });

  it("count from the last message on, and where they are counted at all", () => {
    const liveness = new Liveness(TERMS, constantRandom(0), 0);
    liveness.received(0, 0);
    liveness.heard(10_000);
    // They came with that message, for all that is known.
    liveness.received(1_000_000, 20_000);
    expect(liveness.isSilent(70_000)).toBe(true);
    liveness.received(1_000_000 + MIN_HEARD_BYTES - 1, 69_000);
    expect(liveness.isSilent(70_000)).toBe(true);
    liveness.received(1_000_000 + MIN_HEARD_BYTES, 69_999);
    expect(liveness.isSilent(70_000)).toBe(false);
    liveness.received(undefined, 120_000);
    expect(liveness.isSilent(129_998)).toBe(false);
    expect(liveness.isSilent(129_999)).toBe(true);
  });
});
