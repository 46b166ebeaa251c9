import { seededRandom } from "@hawser/runtime";
import { expect, test } from "vitest";
import { EventWriter } from "./event-writer.js";
import type { ResendTiming } from "./resend-timing.js";
import { deliverable } from "./testing/events.js";

const EVENTS = 9;
/** There and back over loopback, with the handler. */
const RTT_MS = 1;

interface Run {
  /** Until the last ACK. */
  readonly tookMs: number;
  readonly sent: number;
}

/** Nine events of three resources over a wire that loses every third datagram, on virtual time. */
function overLossyLan(resend: Partial<ResendTiming>): Run {
  const writer = new EventWriter({ window: 4, random: seededRandom(1), resend });
  for (let version = 1; version <= EVENTS; version += 1)
    writer.offer(deliverable(version, { resource: `r${version % 3}` }));
  const acks: { readonly atMs: number; readonly key: { resourceid: string; eventid: string } }[] = [];
  let nowMs = 0;
  let sent = 0;
  while (writer.held > 0) {
    for (let next = writer.take(nowMs, 0); next !== undefined; next = writer.take(nowMs, 0)) {
      sent += 1;
      const { resourceid, eventid } = next.entry.event;
      if (sent % 3 !== 0) acks.push({ atMs: nowMs + RTT_MS, key: { resourceid, eventid } });
    }
    nowMs = Math.min(
      acks[0]?.atMs ?? Number.POSITIVE_INFINITY,
      writer.nextWakeAt() ?? Number.POSITIVE_INFINITY,
    );
    while (acks[0] !== undefined && acks[0].atMs <= nowMs) {
      const { key } = acks[0];
      acks.shift();
      writer.ack(key, nowMs);
    }
  }
  return { tookMs: nowMs, sent };
}

test("by default, a lost datagram costs seconds: nothing is known of the way nor of the handlers", () => {
  const { tookMs, sent } = overLossyLan({});
  expect(sent).toBe(13);
  expect(tookMs).toBeGreaterThan(3_000);
});

test.each([
  [50, 500],
  [10, 100],
])("with a first timeout of %d ms, all nine are there within %d ms", (initialTimeoutMs, withinMs) => {
  const { tookMs, sent } = overLossyLan({ initialTimeoutMs });
  expect(sent).toBe(13);
  expect(tookMs).toBeLessThan(withinMs);
});
