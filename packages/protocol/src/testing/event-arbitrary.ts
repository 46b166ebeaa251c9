import fc from "fast-check";
import type { CloudEvent, JsonValue } from "../event.js";
import { LIMITS } from "../limits.js";
import { formatTimestamp } from "../timestamp.js";

// Characters an attribute may hold, with those that take one to four bytes in UTF-8 among them.
const character = fc.constantFrom(...Array.from("aZ09-._~:/?#%\"'\\ éßñ中文😀\u{10ffff}"));
const text = fc.string({ unit: character, minLength: 1, maxLength: 30 });

const CORE = /^(?:id|source|specversion|type|subject|time|data.*|expirytime|resourceid|eventid)$/;
const extensionName = fc
  .string({ unit: fc.constantFrom(...Array.from("abcxyz019")), minLength: 1, maxLength: 20 })
  .filter((name) => !CORE.test(name));
const extensionValue = fc.oneof(text, fc.constant(""), fc.boolean(), fc.integer());

/** A timestamp in the one form that the protobuf format gives back. */
function timestamp(nanos: fc.Arbitrary<number>): fc.Arbitrary<string> {
  const seconds = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 });
  return fc.record({ seconds, nanos }).map((value) => formatTimestamp(value) ?? "");
}

const json = fc.jsonValue().map((value): JsonValue => JSON.parse(JSON.stringify(value)));
const content = fc.oneof(
  fc.record(
    {
      datacontenttype: fc.constantFrom("application/json", "application/vnd.x+json; charset=utf-8"),
      data: json,
    },
    { requiredKeys: ["data"] },
  ),
  fc.record({ datacontenttype: fc.constant("text/plain"), data: fc.string({ unit: "grapheme" }) }),
  fc.record(
    {
      datacontenttype: fc.constantFrom("application/octet-stream", "application/json"),
      data: fc.uint8Array(),
    },
    { requiredKeys: ["data"] },
  ),
  fc.constant({}),
);

/** Any CloudEvent the codecs have to carry without loss. */
export function cloudEvent(
  nanos: fc.Arbitrary<number> = fc.nat({ max: 999_999_999 }),
): fc.Arbitrary<CloudEvent> {
  const time = timestamp(nanos);
  const attributes = fc.record(
    {
      id: text,
      source: text,
      type: text,
      subject: text,
      time,
      expirytime: time,
      dataschema: fc.webUrl(),
      resourceid: text,
      eventid: text,
    },
    { requiredKeys: ["id", "source", "type"] },
  );
  const extensions = fc.dictionary(extensionName, extensionValue, { maxKeys: LIMITS.maxExtensions });
  return fc.tuple(extensions, attributes, content).map(([extra, named, body]) => ({
    specversion: "1.0" as const,
    ...extra,
    ...named,
    ...body,
  }));
}
