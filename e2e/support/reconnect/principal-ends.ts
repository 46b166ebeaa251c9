import { CLOSE_CODES, type CloseCode } from "@hawser/protocol";
import { expect } from "vitest";
import { letGo, type TestPrincipal } from "./test-principal.js";
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
  readonly run: (subject: TestPrincipal) => Promise<void>;
}

/** Ends of sessions. */
export const PRINCIPAL_ENDS: readonly PrincipalCase[] = [
  {
    row: "clean",
    name: "a rotation is let go and answered with 1000",
    code: CLOSE_CODES.normal,
    run: async (subject) => {
      await subject.open();
      const agent = await subject.session();
      agent.control({ type: "goodbye", reason: "rotation" });
      await subject.heard(agent, "goodbye_ack");
      letGo(agent, "rotation");
      await subject.isClosed(agent, CLOSE_CODES.normal, "");
    },
  },
  {
    row: "clean",
    name: "who does not leave when asked to is closed with 1001 after the grace",
    code: CLOSE_CODES.goingAway,
    run: async (subject) => {
      const principal = await subject.open({ timing: { closeGraceMs: 1_000 } });
      const agent = await subject.session();
      const drained = principal.drain({ reason: "deploy", windowMs: 0, answerWaitMs: 0, graceMs: 60_000 });
      await subject.heard(agent, "drain");
      await subject.time.advance(999);
      expect((await principal.agent("edge-7"))?.state).toBe("connected");
      await subject.time.advance(1);
      await subject.isClosed(agent, CLOSE_CODES.goingAway, "not answered");
      expect(await subject.settled("the drain", drained)).toMatchObject({ sessions: 1, cutOff: 0 });
    },
  },
  {
    row: "drained",
    name: "a notice with a slot, in the middle of the window as every draw is",
    code: CLOSE_CODES.normal,
    run: async (subject) => {
      const principal = await subject.open();
      const agent = await subject.session();
      const drained = principal.drain({ reason: "deploy", windowMs: 20_000, returnAfterMs: 1_800 });
      expect(await subject.heard(agent, "drain")).toEqual({
        type: "drain",
        reason: "deploy",
        window_ms: 21_800,
        reconnect_after_ms: 11_800,
      });
      agent.control({ type: "goodbye", reason: "drain" });
      await subject.heard(agent, "goodbye_ack");
      letGo(agent, "drain");
      await subject.isClosed(agent, CLOSE_CODES.normal, "");
      expect(await subject.settled("the drain", drained)).toMatchObject({ sessions: 1, cutOff: 0 });
      // It comes 1,800 ms too early, and is told what is left.
      await subject.time.advance(10_000);
      const early = await subject.call();
      early.hello();
      expect(await subject.heard(early, "refuse")).toMatchObject({ code: "draining", retry_after_ms: 1_800 });
    },
  },
  {
    row: "superseded",
    name: "a newer session of the same agent: 4002",
    code: CLOSE_CODES.superseded,
    run: async (subject) => {
      await subject.open();
      const older = await subject.session();
      await subject.session();
      await subject.isClosed(older, CLOSE_CODES.superseded, "a newer session");
    },
  },
  {
    row: "failed",
    name: "no hello: 4000",
    code: CLOSE_CODES.handshakeTimeout,
    run: async (subject) => {
      await subject.open();
      const agent = await subject.call();
      await subject.time.advance(10_000);
      await subject.isClosed(agent, CLOSE_CODES.handshakeTimeout, "no hello within 10000 ms");
    },
  },
  {
    row: "failed",
    name: "no hello, and a front that waits less than the session: cut, without a close",
    run: async (subject) => {
      await subject.open({ listen: { port: 0, admission: { rampMs: 0, handshakeTimeoutMs: 4_000 } } });
      const agent = await subject.call();
      await subject.time.advance(4_000);
      expect((await subject.settled("the end", agent.wire.ended)).code).toBeUndefined();
    },
  },
  {
    row: "failed",
    name: "heartbeats missing: cut, without a close",
    code: CLOSE_CODES.heartbeatTimeout,
    cuts: true,
    run: async (subject) => {
      const principal = await subject.open();
      const agent = await subject.session();
      await subject.time.advance(90_000 - 1);
      expect((await principal.agent("edge-7"))?.state).toBe("connected");
      await subject.time.advance(1);
      expect((await subject.settled("the end", agent.wire.ended)).code).toBeUndefined();
    },
  },
];
