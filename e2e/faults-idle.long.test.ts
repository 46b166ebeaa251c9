import { pause, systemClock, systemTimers } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { becomes, eventually } from "./support/eventually.js";
import { TRANSPORTS } from "./support/faulty-line.js";
import { figures, FIRST_BACKOFF_MS, isComplete, SETUP_MS, withLine } from "./support/with-line.js";

/** A load balancer that cuts what is idle for 30 s, twenty times as fast, and the pings of every day, which come every 20 s. */
const IDLE_CUT_MS = 1_500;
const PING_MS = 1_000;
/** So rare that heartbeats keep nothing alive here. */
const NO_HEARTBEAT_MS = 60_000;

describe.concurrent.each(TRANSPORTS)(
  "an idle session behind a proxy that cuts idle ones, over %s",
  (transport) => {
    it.each([
      ["pings", { keepAliveIntervalMs: PING_MS, heartbeatIntervalMs: NO_HEARTBEAT_MS }],
      ["heartbeats", { keepAliveIntervalMs: 0, heartbeatIntervalMs: PING_MS }],
    ])("lives by its %s", async (name, options) => {
      await withLine(
        transport,
        async (line) => {
          line.proxy.setFaults({ idleCutMs: IDLE_CUT_MS });
          const before = line.proxy.counts;
          await pause(systemTimers, 3 * IDLE_CUT_MS);
          const { idleCut, bytesUp, bytesDown } = line.proxy.counts;
          figures(`idle, kept by ${name}`, transport, {
            idleMs: 3 * IDLE_CUT_MS,
            bytesUp: bytesUp - before.bytesUp,
            bytesDown: bytesDown - before.bytesDown,
          });
          expect({ idleCut, sessions: line.sessions }).toEqual({ idleCut: 0, sessions: 1 });
          await line.publish("down", 1);
          await line.publish("up", 1);
          await isComplete(line);
        },
        options,
      );
    });

    it.each([
      ["none", 0],
      ["too rare", 2 * IDLE_CUT_MS],
    ])("is cut where pings are %s, and comes back", async (name, keepAliveIntervalMs) => {
      await withLine(
        transport,
        async (line) => {
          line.proxy.setFaults({ idleCutMs: IDLE_CUT_MS });
          await becomes("the session is cut", () => line.proxy.counts.idleCut > 0);
          const since = systemClock.now();
          await line.publish("down", 1);
          await line.publish("up", 1);
          const recoveredMs = await eventually("events flow again", () => line.events.flowedAfter(since));
          const bound = FIRST_BACKOFF_MS + SETUP_MS;
          figures(`idle, pings ${name}`, transport, { bound, recoveredMs, sessions: line.sessions });
          expect(recoveredMs).toBeLessThanOrEqual(bound);
          expect(line.sessions).toBe(2);
          await isComplete(line);
        },
        { keepAliveIntervalMs, heartbeatIntervalMs: NO_HEARTBEAT_MS },
      );
    });
  },
);
