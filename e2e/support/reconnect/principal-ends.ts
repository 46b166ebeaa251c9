import { CLOSE_CODES, type CloseCode } from "@hawser/protocol";
import { expect } from "vitest";
import { letGo, type Door } from "./door.js";
import type { Row, Wire } from "./reconnect-case.js";

/** One way for a real principal to end a connection, played by an agent written by hand. */
export interface PrincipalCase {
  readonly row: Row;
  readonly name: string;
  /** Absent: both. */
  readonly on?: Wire;
  /** The close code it says, or would say to somebody who hears it; absent where no connection ends. */
  readonly code?: CloseCode;
  /** It cuts instead. */
  readonly cuts?: true;
  readonly play: (door: Door) => Promise<void>;
}

/** Ends of sessions. */
export const PRINCIPAL_ENDS: readonly PrincipalCase[] = [
  {
    row: "clean",
    name: "a rotation is let go and answered with 1000",
    code: CLOSE_CODES.normal,
    play: async (door) => {
      await door.open();
      const agent = await door.session();
      agent.control({ type: "goodbye", reason: "rotation" });
      await door.heard(agent, "goodbye_ack");
      letGo(agent, "rotation");
      await door.isClosed(agent, CLOSE_CODES.normal, "");
    },
  },
  {
    row: "clean",
    name: "who does not leave when asked to is closed with 1001 after the grace",
    code: CLOSE_CODES.goingAway,
    play: async (door) => {
      const principal = await door.open({ timing: { closeGraceMs: 1_000 } });
      const agent = await door.session();
      const drained = principal.drain({ reason: "deploy", windowMs: 0, answerWaitMs: 0, graceMs: 60_000 });
      await door.heard(agent, "drain");
      await door.time.advance(999);
      expect((await principal.agent("edge-7"))?.state).toBe("connected");
      await door.time.advance(1);
      await door.isClosed(agent, CLOSE_CODES.goingAway, "not answered");
      expect(await door.settled("the drain", drained)).toMatchObject({ sessions: 1, cutOff: 0 });
    },
  },
  {
    row: "drained",
    name: "a notice with a slot, in the middle of the window as every draw is",
    code: CLOSE_CODES.normal,
    play: async (door) => {
      const principal = await door.open();
      const agent = await door.session();
      const drained = principal.drain({ reason: "deploy", windowMs: 20_000, returnAfterMs: 1_800 });
      expect(await door.heard(agent, "drain")).toEqual({
        type: "drain",
        reason: "deploy",
        window_ms: 21_800,
        reconnect_after_ms: 11_800,
      });
      agent.control({ type: "goodbye", reason: "drain" });
      await door.heard(agent, "goodbye_ack");
      letGo(agent, "drain");
      await door.isClosed(agent, CLOSE_CODES.normal, "");
      expect(await door.settled("the drain", drained)).toMatchObject({ sessions: 1, cutOff: 0 });
      // It comes 1,800 ms too early, and is told what is left.
      await door.time.advance(10_000);
      const early = await door.call();
      early.hello();
      expect(await door.heard(early, "refuse")).toMatchObject({ code: "draining", retry_after_ms: 1_800 });
    },
  },
  {
    row: "superseded",
    name: "a newer session of the same agent: 4002",
    code: CLOSE_CODES.superseded,
    play: async (door) => {
      await door.open();
      const older = await door.session();
      await door.session();
      await door.isClosed(older, CLOSE_CODES.superseded, "a newer session");
    },
  },
  {
    row: "failed",
    name: "no hello: 4000",
    code: CLOSE_CODES.handshakeTimeout,
    play: async (door) => {
      await door.open();
      const agent = await door.call();
      await door.time.advance(10_000);
      await door.isClosed(agent, CLOSE_CODES.handshakeTimeout, "no hello within 10000 ms");
    },
  },
  {
    row: "failed",
    name: "no hello, and a front that waits less than the session: cut, without a close",
    play: async (door) => {
      await door.open({ listen: { port: 0, admission: { rampMs: 0, handshakeTimeoutMs: 4_000 } } });
      const agent = await door.call();
      await door.time.advance(4_000);
      expect((await door.settled("the end", agent.wire.ended)).code).toBeUndefined();
    },
  },
  {
    row: "failed",
    name: "heartbeats missing: cut, without a close",
    code: CLOSE_CODES.heartbeatTimeout,
    cuts: true,
    play: async (door) => {
      const principal = await door.open();
      const agent = await door.session();
      await door.time.advance(90_000 - 1);
      expect((await principal.agent("edge-7"))?.state).toBe("connected");
      await door.time.advance(1);
      expect((await door.settled("the end", agent.wire.ended)).code).toBeUndefined();
    },
  },
];
