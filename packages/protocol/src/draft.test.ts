import { CloudEvent as SdkEvent } from "cloudevents";
import { describe, expect, test } from "vitest";
import { checkDraft } from "./draft.js";
import { jsonCodec } from "./json-codec.js";
import { LIMITS } from "./limits.js";
import { deleteEvent, specEvent, statusEvent } from "./resource-events.js";
import { hawserError } from "./testing/expect-error.js";

const command = { specversion: "1.0", id: "1", source: "/s", type: "restart", resourceid: "web_u1" } as const;
const resource = { id: "1", source: "/s", kind: "Task", name: "web", uid: "u1" } as const;
const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

describe("a draft is accepted", () => {
  test.each([
    specEvent({ ...resource, spec: { replicas: 1 }, time: "2026-01-02T03:04:05Z" }),
    statusEvent({ ...resource, status: null, observed: "12" }),
    deleteEvent(resource),
    command,
    { ...command, data: new Uint8Array([1]) },
    { ...command, datacontenttype: "text/plain", data: "text" },
    { ...command, expirytime: "2026-01-02T03:04:05Z", traceparent: "00-1-1-00", priority: 5 },
  ])("%j", (draft) => {
    expect(checkDraft(draft)).toEqual(draft);
  });

  test("without its unset attributes", () => {
    expect(checkDraft({ ...command, subject: undefined, time: null })).toEqual(command);
  });

  test("from the CloudEvents SDK", () => {
    const time = "2026-01-02T03:04:05.000Z";
    expect(checkDraft(new SdkEvent({ ...command, time, data: { a: 1 } }))).toEqual({
      ...command,
      time,
      data: { a: 1 },
    });
  });

  test("up to the largest size, and no further", () => {
    const overhead = Buffer.byteLength(jsonCodec.encode({ ...command, data: "" }));
    const data = "é".repeat((LIMITS.maxEventBytes - overhead) / 2);
    const padding = "x".repeat((LIMITS.maxEventBytes - overhead) % 2);
    expect(checkDraft({ ...command, data: data + padding })).toMatchObject({ id: "1" });
    expect(() => checkDraft({ ...command, data: `${data}${padding}x` })).toThrow(
      hawserError("event_too_large", "the event takes 1000001 bytes as JSON; 1000000 are allowed"),
    );
  });
});

describe("a draft is refused", () => {
  test.each([
    ["nothing", undefined, "invalid_event", "not an object"],
    ["text", "event", "invalid_event", "not an object"],
    ["a list", [command], "invalid_event", "not an object"],
    ["no id", { ...command, id: undefined }, "invalid_event", '"id" is missing'],
    [
      "no resourceid",
      { ...command, resourceid: undefined },
      "missing_resourceid",
      "needs the attribute resourceid",
    ],
    ["a resourceid without uid", { ...command, resourceid: "web" }, "invalid_event", "is not <name>_<uid>"],
    [
      "an upper-case resource name",
      { ...command, resourceid: "Web_u1" },
      "invalid_event",
      "is not <name>_<uid>",
    ],
    ["a version of its own", { ...command, eventid: "5" }, "invalid_event", '"eventid" must not be set'],
    ["a bad time", { ...command, time: "now" }, "invalid_event", '"time" is not'],
    ["a reserved type", { ...command, type: "hawser.task.restart" }, "unknown_type", "reserved"],
    ["a control message", { ...command, type: "hawser.control.ack.v1" }, "unknown_type", "reserved"],
    ["a function in the data", { ...command, data: { f: () => 1 } }, "invalid_event", "JSON cannot carry"],
    ["undefined in a list", { ...command, data: [undefined] }, "invalid_event", "JSON cannot carry"],
    ["NaN in the data", { ...command, data: [Number.NaN] }, "invalid_event", "contains NaN"],
    ["a bigint in the data", { ...command, data: 1n }, "invalid_event", "JSON cannot carry"],
    ["a Map in the data", { ...command, data: new Map() }, "invalid_event", "neither plain nor an array"],
    ["a cycle in the data", { ...command, data: cyclic }, "invalid_event", "nested more than"],
    [
      "an object that is not JSON by its type",
      { ...command, datacontenttype: "text/csv", data: {} },
      "invalid_event",
      "must be a string",
    ],
    [
      "a state without subject",
      { ...specEvent({ ...resource, spec: 1 }), subject: null },
      "invalid_event",
      "needs a subject",
    ],
    [
      "a spec without spec",
      { ...specEvent({ ...resource, spec: 1 }), data: { kind: "Task", name: "web", uid: "u1" } },
      "invalid_event",
      '"spec" of the data is missing',
    ],
    [
      "a status of no version",
      statusEvent({ ...resource, status: 1, observed: "x" }),
      "invalid_event",
      '"observed" of the data',
    ],
    [
      "a delete of another kind",
      { ...deleteEvent(resource), subject: "File/web" },
      "invalid_event",
      '"kind" of the data must be "File"',
    ],
  ] as const)("%s", (_name, input, code, problem) => {
    expect(() => checkDraft(input)).toThrow(hawserError(code, problem));
  });
});
