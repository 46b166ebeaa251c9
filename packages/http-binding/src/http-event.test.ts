import { LIMITS } from "@hawser/protocol";
import { CloudEvent, HTTP } from "cloudevents";
import { describe, expect, it } from "vitest";
import { decodeHttpEvent } from "./http-event.js";

const STRUCTURED = { "content-type": "application/cloudevents+json" };
const ATTRIBUTES = {
  specversion: "1.0",
  id: "1",
  source: "/test",
  type: "com.example.ping",
  resourceid: "web_1",
};
const BINARY = Object.fromEntries(Object.entries(ATTRIBUTES).map(([name, value]) => [`ce-${name}`, value]));

function decode(headers: Record<string, string>, body: string | Uint8Array = ""): unknown {
  return decodeHttpEvent(new Headers(headers), typeof body === "string" ? Buffer.from(body) : body);
}

function refusal(headers: Record<string, string>, body: string | Uint8Array = ""): unknown {
  try {
    return { accepted: decode(headers, body) };
  } catch (error) {
    return error;
  }
}

describe("structured mode", () => {
  it.each(["application/cloudevents+json", "Application/CloudEvents+JSON; charset=UTF-8"])(
    "reads %s",
    (type) => {
      const event = { ...ATTRIBUTES, subject: "é", data: { a: [1, "€"] } };
      expect(decode({ "content-type": type }, JSON.stringify(event))).toEqual(event);
    },
  );

  it("reads bytes", () => {
    const event = { ...ATTRIBUTES, datacontenttype: "application/octet-stream", data_base64: "AAEC/w==" };
    expect(decode(STRUCTURED, JSON.stringify(event))).toMatchObject({ data: new Uint8Array([0, 1, 2, 255]) });
  });

  it("goes by the body, whatever ce- headers say", () => {
    expect(decode({ ...STRUCTURED, "ce-id": "other" }, JSON.stringify(ATTRIBUTES))).toMatchObject({
      id: "1",
    });
  });

  it("reads what the CloudEvents SDK writes", () => {
    const event = new CloudEvent({ ...ATTRIBUTES, time: "2026-01-01T00:00:00.000Z", data: { a: 1 } });
    const { headers, body } = HTTP.structured(event);
    expect(decode(headers as Record<string, string>, String(body))).toEqual(event.toJSON());
  });

  it.each([
    ["an empty body", "", "invalid_event", "empty"],
    [
      "a number that is not kept",
      '{"specversion": "1.0",\n "data": 9007199254740993}',
      "invalid_event",
      "line 2, column 10: 9007199254740993",
    ],
    ["broken JSON, with its place", '{"specversion": "1.0",\n "id" 1}', "invalid_event", "line 2, column 7"],
    ["a batch in disguise", "[]", "invalid_event", "not a JSON object"],
    ["a missing id", JSON.stringify({ ...ATTRIBUTES, id: undefined }), "invalid_event", '"id"'],
    [
      "a missing resourceid",
      JSON.stringify({ ...ATTRIBUTES, resourceid: undefined }),
      "missing_resourceid",
      "",
    ],
    [
      "a resourceid that is none",
      JSON.stringify({ ...ATTRIBUTES, resourceid: "x" }),
      "invalid_event",
      "resourceid",
    ],
    ["an eventid", JSON.stringify({ ...ATTRIBUTES, eventid: "1" }), "invalid_event", '"eventid"'],
    [
      "another specversion",
      JSON.stringify({ ...ATTRIBUTES, specversion: "0.3" }),
      "invalid_event",
      "specversion",
    ],
    [
      "an unknown type of ours",
      JSON.stringify({ ...ATTRIBUTES, type: "hawser.x" }),
      "unknown_type",
      "hawser.x",
    ],
    ["base64 that is none", JSON.stringify({ ...ATTRIBUTES, data_base64: "?" }), "invalid_event", "base64"],
    [
      "an attribute that is too long",
      JSON.stringify({ ...ATTRIBUTES, subject: "x".repeat(LIMITS.maxAttributeLength + 1) }),
      "invalid_event",
      "subject",
    ],
    [
      "an event that is too large",
      JSON.stringify({ ...ATTRIBUTES, data: "x".repeat(LIMITS.maxEventBytes) }),
      "event_too_large",
      "",
    ],
  ])("refuses %s", (_what, body, code, named) => {
    expect(refusal(STRUCTURED, body)).toMatchObject({ code, message: expect.stringContaining(named) });
  });

  it("refuses bytes that are not UTF-8", () => {
    const error = refusal(STRUCTURED, Buffer.from([0x7b, 0xff, 0x7d]));
    expect(error).toMatchObject({ code: "invalid_event", message: expect.stringContaining("UTF-8") });
  });
});

describe("binary mode", () => {
  it("takes attributes from headers and data from the body", () => {
    const headers = {
      ...BINARY,
      "ce-subject": "a%20%E2%82%AC",
      "ce-myext": '"x y"',
      "content-type": "application/json",
    };
    expect(decode(headers, '{"a":1}')).toEqual({
      ...ATTRIBUTES,
      subject: "a €",
      myext: "x y",
      datacontenttype: "application/json",
      data: { a: 1 },
    });
  });

  it.each([
    ["JSON", "application/json", '"text"', "text"],
    ["JSON by suffix", "application/vnd.x+json; charset=utf-8", "[1]", [1]],
    ["text", "text/plain", "größe", "größe"],
    ["text in another charset", "text/plain; charset=latin1", "x", new Uint8Array([120])],
    ["bytes", "application/octet-stream", "x", new Uint8Array([120])],
  ])("keeps %s", (_what, type, body, data) => {
    const event = decode({ ...BINARY, "content-type": type }, body);
    expect(event).toMatchObject({ datacontenttype: type });
    expect(Object(event).data).toEqual(data);
  });

  it("keeps a body without content type as bytes, and no body as no data", () => {
    expect(decode(BINARY, "x")).toEqual({ ...ATTRIBUTES, data: new Uint8Array([120]) });
    expect(decode(BINARY)).toEqual(ATTRIBUTES);
    expect(decode({ ...BINARY, "content-type": "application/json" })).not.toHaveProperty("data");
  });

  it("reads what the CloudEvents SDK writes", () => {
    const event = new CloudEvent({ ...ATTRIBUTES, datacontenttype: "application/json", data: { a: 1 } });
    const { headers, body } = HTTP.binary(event);
    expect(decode(headers as Record<string, string>, String(body))).toEqual(
      JSON.parse(JSON.stringify(event)),
    );
  });

  it.each([
    ["a missing resourceid", { "ce-resourceid": undefined }, "", "missing_resourceid", ""],
    ["a missing source", { "ce-source": undefined }, "", "invalid_event", '"source"'],
    ["an empty id", { "ce-id": "" }, "", "invalid_event", '"id"'],
    ["an eventid", { "ce-eventid": "1" }, "", "invalid_event", '"eventid"'],
    ["a time that is none", { "ce-time": "yesterday" }, "", "invalid_event", '"time"'],
    ["ce-data", { "ce-data": "x" }, "", "invalid_event", "the body"],
    ["ce-datacontenttype", { "ce-datacontenttype": "text/plain" }, "", "invalid_event", "content-type"],
    ["a name with a hyphen", { "ce-my-ext": "x" }, "", "invalid_event", "my-ext"],
    ["__proto__ as a name", { "ce-__proto__": "x" }, "", "invalid_event", "__proto__"],
    ["a header that is not UTF-8", { "ce-subject": "%ff" }, "", "invalid_event", "ce-subject"],
    [
      "data with a number that is not kept",
      { "content-type": "application/json" },
      "[1e400]",
      "invalid_event",
      "line 1, column 2: 1e400",
    ],
    ["broken JSON data", { "content-type": "application/json" }, "{", "invalid_event", "line 1, column 2"],
    [
      "JSON data in another charset",
      { "content-type": "application/json; charset=utf-16" },
      "{}",
      "invalid_event",
      "UTF-8",
    ],
    [
      "text that is not UTF-8",
      { "content-type": "text/plain" },
      Buffer.from([0xff]),
      "invalid_event",
      "UTF-8",
    ],
  ])("refuses %s", (_what, changes, body, code, named) => {
    const headers = Object.fromEntries(
      Object.entries({ ...BINARY, ...changes }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    );
    expect(refusal(headers, body)).toMatchObject({ code, message: expect.stringContaining(named) });
  });
});

describe("requests that are no event we can read", () => {
  it.each([
    ["nothing", {}],
    ["plain JSON", { "content-type": "application/json" }],
    ["a batch", { "content-type": "application/cloudevents-batch+json" }],
    ["another format", { "content-type": "application/cloudevents+avro", "ce-specversion": "1.0" }],
    [
      "structured JSON in another charset",
      { "content-type": "application/cloudevents+json; charset=latin1" },
    ],
  ])("answers 415 to %s", (_what, headers) => {
    expect(refusal(headers, "{}")).toMatchObject({ status: 415, code: "invalid_event" });
  });
});
