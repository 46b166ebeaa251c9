import type { Runtime } from "@hawser/runtime";
import type { RecordedEvent } from "../event-log/recorded-event.js";

/** What a sink is tested with: an event that no agent sent, and that no log holds. */
export function testEvent({ clock, random }: Pick<Runtime, "clock" | "random">): RecordedEvent {
  const recordedAt = clock.wallTime();
  return {
    position: 0,
    agent: "hawser",
    recordedAt,
    bytes: 0,
    event: {
      specversion: "1.0",
      id: random.uuid(),
      source: "hawser/sinks",
      type: "hawser.sink.test.v1",
      time: new Date(recordedAt).toISOString(),
      resourceid: "test_1",
      eventid: "1",
      datacontenttype: "application/json",
      data: { message: "a test of this sink: nothing happened" },
    },
  };
}
