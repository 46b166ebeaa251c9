import { CloudEvent as SdkEvent, HTTP } from "cloudevents";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CloudEvent } from "./event.js";
import { jsonCodec } from "./json-codec.js";
import { cloudEvent } from "./testing/event-arbitrary.js";

// The reference knows milliseconds only, and gives every event a time.
const milliseconds = fc.nat({ max: 999 }).map((ms) => ms * 1_000_000);
const timed = cloudEvent(milliseconds)
  .filter((event) => event.time !== undefined)
  // It insists on the grammar of a URI reference, which we leave to whoever follows one.
  .map((event) => ({ ...event, source: `/${encodeURIComponent(event.source)}` }));
// To it an empty value is none, be it an extension or data, and text among JSON is parsed a second time.
const comparable = timed.filter(({ data, ...attributes }) => {
  if (Object.values(attributes).includes("")) return false;
  if (data === undefined) return true;
  if (data instanceof Uint8Array) return data.length > 0;
  return (
    (typeof data === "object" && data !== null) ||
    (data !== "" && attributes.datacontenttype === "text/plain")
  );
});

test("what we write, the reference reads", () => {
  fc.assert(
    fc.property(comparable, (event) => {
      const headers = { "content-type": "application/cloudevents+json; charset=utf-8" };
      const read = HTTP.toEvent({ headers, body: jsonCodec.encode(event) });
      if (!(read instanceof SdkEvent)) throw new Error("one event was expected");
      expect(attributesOf(read.toJSON())).toEqual(attributesOf(event));
      expect(bytesOrData(read.data)).toEqual(bytesOrData(event.data));
    }),
    { numRuns: 300 },
  );
});

test("what the reference writes, we read", () => {
  fc.assert(
    fc.property(comparable, (event) => {
      const { body } = HTTP.structured(new SdkEvent({ ...event }));
      expect(canonical(jsonCodec.decode(String(body)))).toEqual(canonical(event));
    }),
    { numRuns: 300 },
  );
});

function attributesOf(event: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { data: _data, data_base64: _bytes, ...attributes } = event;
  return canonical(attributes);
}

/** `time` to the millisecond with all three digits, as the reference writes it. */
function canonical<T extends Partial<CloudEvent> | Record<string, unknown>>(event: T): T {
  return { ...event, time: new Date(String(event.time)).toISOString() };
}

/** The reference reads structured `data_base64` as a Uint32Array with one byte in each element (its issue 643). */
function bytesOrData(data: unknown): unknown {
  return data instanceof Uint32Array || data instanceof Uint8Array ? [...data] : data;
}
