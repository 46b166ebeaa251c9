import type { HawserEvent } from "@hawser/protocol";
import { CloudEvent, HTTP } from "cloudevents";
import { describe, expect, it } from "vitest";
import { decodeHttpEvent } from "@hawser/http-binding";
import type { RecordedEvent } from "../event-log/recorded-event.js";
import { binaryMessage, jsonMembers, sinkEvent } from "./sink-event.js";

function recorded(more: Partial<HawserEvent>): RecordedEvent {
  const event = {
    specversion: "1.0" as const,
    id: "1",
    source: "/a",
    type: "com.example.happened",
    resourceid: "lamp_1",
    eventid: "7",
    ...more,
  };
  return { position: 12, agent: "edge-1", recordedAt: Date.UTC(2026, 0, 2), bytes: 1, event };
}

const BYTES = new Uint8Array([0, 1, 254, 255]);

const CASES: readonly (readonly [string, Partial<HawserEvent>])[] = [
  ["an object", { data: { a: [1, null, "é"] } }],
  ["a text as JSON", { data: "hello", datacontenttype: "application/json" }],
  ["a text without a type", { data: "hello" }],
  ["a text", { data: "a\nb", datacontenttype: "text/plain; charset=utf-8" }],
  ["null", { data: null }],
  ["false", { data: false, datacontenttype: "application/json" }],
  ["zero", { data: 0 }],
  ["an empty text as JSON", { data: "", datacontenttype: "application/json" }],
  ["JSON of a vendor", { data: "x", datacontenttype: "application/vnd.example+json;version=1" }],
  ["bytes", { data: BYTES, datacontenttype: "application/octet-stream" }],
  ["bytes of JSON's type", { data: { b: 1 }, datacontenttype: "application/json" }],
  ["no data", {}],
  ["times of nanoseconds", { time: "2026-01-02T03:04:05.123456789+02:00", data: 1 }],
  ["attributes that need encoding", { subject: 'a "b" % ü €', traceparent: "00-1-2-01", data: {} }],
  ["an emoji, halves that are none apart", { subject: "🚢", data: {} }],
];

/** What a receiver has of an event: all but what only the wire of agents has. */
function expectedOf(more: Partial<HawserEvent>): Record<string, unknown> {
  const { eventid: _eventid, ...event } = recorded(more).event;
  return {
    ...event,
    hawseragent: "edge-1",
    hawserposition: "12",
    hawserrecorded: "2026-01-02T00:00:00.000Z",
  };
}

/** A receiver like ours refuses an eventid, which only a mailbox may give. */
function withoutVersion(event: ReturnType<typeof sinkEvent>): ReturnType<typeof sinkEvent> {
  const { eventid, ...rest } = event;
  expect(eventid).toBe("7");
  return rest;
}

describe("an event of a sink", () => {
  it.each(CASES)("comes through in JSON: %s", (_, more) => {
    const members = jsonMembers(withoutVersion(sinkEvent(recorded(more))));
    const body = Buffer.from(JSON.stringify(members));
    const headers = new Headers({ "content-type": "application/cloudevents+json; charset=utf-8" });
    expect(decodeHttpEvent(headers, body)).toEqual(expectedOf(more));
  });

  it.each(CASES.filter(([, { data, datacontenttype }]) => datacontenttype !== undefined || data !== ""))(
    "comes through in headers and body: %s",
    (_, more) => {
      const { headers, body } = binaryMessage(withoutVersion(sinkEvent(recorded(more))));
      const bytes = typeof body === "string" ? Buffer.from(body) : body;
      const { datacontenttype, ...event } = decodeHttpEvent(new Headers(headers), bytes);
      const { datacontenttype: given, ...expected } = expectedOf(more);
      expect(event).toEqual(expected);
      expect(datacontenttype).toBe(given ?? (more.data === undefined ? undefined : "application/json"));
    },
  );

  it("goes through what the SDK of CloudEvents alters; these reasons are still there", () => {
    const { event } = recorded({ data: "hello", datacontenttype: "application/json" });
    expect(HTTP.binary(new CloudEvent(event)).body).toBe("hello");
    const timed = new CloudEvent({ ...event, time: "2026-01-02T03:04:05.123456789Z" });
    expect(timed.toJSON()["time"]).toBe("2026-01-02T03:04:05.123Z");
    expect(new CloudEvent(event).time).toBeDefined();
    const { headers } = HTTP.binary(new CloudEvent({ ...event, subject: "ü" }));
    expect(headers["ce-subject"]).toBe("ü");
    expect(
      HTTP.binary(new CloudEvent({ id: "1", source: "a", type: "t", data: BYTES })).headers["content-type"],
    ).toMatch(/json/);
  });
});
