import { DEFAULT_TIMING } from "@hawser/protocol";
import { describe, expect, it } from "vitest";
import { WELCOME } from "./testing/messages.js";
import {
  agentIn,
  agentSession,
  constantRandom,
  LOST,
  principalIn,
  principalSession,
} from "./testing/sessions.js";

type Machine = ReturnType<typeof agentIn> | ReturnType<typeof principalIn>;

const { handshakeTimeoutMs, heartbeatTimeoutMs, closeGraceMs } = DEFAULT_TIMING;

/** The longest each state may last against a peer that says nothing any more, the close handshake included. */
const AGENT_BOUNDS = {
  greeting: handshakeTimeoutMs + closeGraceMs,
  refused: closeGraceMs,
  open: 2 * heartbeatTimeoutMs,
  leaving: closeGraceMs,
  finishing: 2 * closeGraceMs,
  closing: closeGraceMs,
} as const;

const PRINCIPAL_BOUNDS = {
  awaitingHello: handshakeTimeoutMs + closeGraceMs,
  authenticating: handshakeTimeoutMs + closeGraceMs,
  open: 2 * heartbeatTimeoutMs,
  draining: 2 * closeGraceMs,
  parting: 2 * closeGraceMs,
  closing: closeGraceMs,
} as const;

/** Plays a driver that only keeps the timer; when it has been told to cut, the transport reports its end. */
function endsAt(session: Machine): number {
  let nowMs = 0;
  for (let wakes = 0; wakes < 1_000; wakes += 1) {
    const due = session.nextWakeAt();
    if (due === undefined) throw new Error(`${session.state.kind} waits for ever`);
    nowMs = Math.max(nowMs, due);
    for (const output of session.wake(nowMs, 0))
      if (output.kind === "terminate") {
        const ended = session.transportEnded({ kind: "lost", error: output.error }, nowMs);
        expect(ended.map(({ kind }) => kind)).toEqual(["ended"]);
        return nowMs;
      }
  }
  throw new Error(`${session.state.kind} never ends`);
}

describe("a peer that falls silent", () => {
  const rotationOff = { rotationMinMs: null, rotationMaxMs: null };

  for (const [state, boundMs] of Object.entries(AGENT_BOUNDS) as [keyof typeof AGENT_BOUNDS, number][])
    it(`ends an agent that is ${state} within ${boundMs} ms`, () => {
      const session = agentIn(state, rotationOff);
      expect(endsAt(session)).toBeLessThanOrEqual(boundMs);
      expect(session.state.kind).toBe("ended");
      expect(session.nextWakeAt()).toBeUndefined();
    });

  for (const [state, boundMs] of Object.entries(PRINCIPAL_BOUNDS) as [
    keyof typeof PRINCIPAL_BOUNDS,
    number,
  ][])
    it(`ends a principal that is ${state} within ${boundMs} ms`, () => {
      const session = principalIn(state);
      expect(endsAt(session)).toBeLessThanOrEqual(boundMs);
      expect(session.state.kind).toBe("ended");
      expect(session.nextWakeAt()).toBeUndefined();
    });

  it("leaves nothing to wait for before the start and after the cut", () => {
    for (const session of [
      agentIn("new"),
      agentIn("terminated"),
      principalIn("new"),
      principalIn("terminated"),
    ])
      expect(session.nextWakeAt()).toBeUndefined();
  });

  it("ends a session that was never started as soon as its transport ends", () => {
    for (const session of [agentSession(), principalSession()]) {
      expect(session.transportEnded(LOST, 1)).toMatchObject([{ kind: "ended", end: { kind: "failed" } }]);
      expect(session.start(2, 0)).toEqual([]);
    }
  });

  it("is given the timeout and at most as much again, whatever is drawn", () => {
    for (const [drawn, silentAt] of [
      [0, 60_000],
      [0.5, 90_000],
      [0.999_999, 119_999.94],
    ] as const) {
      const agent = agentSession(rotationOff, constantRandom(drawn));
      agent.start(0, 0);
      agent.receive(WELCOME, 0);
      agent.heard(10);
      agent.wake(silentAt, 0);
      expect(agent.wake(silentAt + 9.99, 0)).toEqual([]);
      expect(agent.wake(silentAt + 10, 0)).toMatchObject([
        { kind: "terminate", error: { code: "heartbeat_timeout" } },
      ]);
    }
  });
});
