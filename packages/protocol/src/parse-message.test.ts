import { describe, expect, test } from "vitest";
import { closeCodeFor } from "./close-mapping.js";
import { encodeControl } from "./control-codec.js";
import { CONTROL_TYPE_PREFIX, type ControlMessage } from "./control.js";
import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { jsonCodec } from "./json-codec.js";
import { LIMITS } from "./limits.js";
import { nackKey, parseMessage } from "./parse-message.js";
import { protobufCodec } from "./protobuf-codec.js";
import { deleteEvent, specEvent } from "./resource-events.js";
import { hawserError } from "./testing/expect-error.js";

const envelope = { id: "c-1", source: "/agents/web" };
const acks = Array.from({ length: LIMITS.maxAcksPerFrame }, (_, n) => ({
  resourceid: "a_b",
  eventid: String(n + 1),
}));
const hello = {
  type: "hello",
  agent: "web-1",
  protocol_versions: ["1"],
  store: "s-1",
  window: 256,
  settled: "0",
  software: "test/1",
} as const;
const welcome = {
  type: "welcome",
  protocol_version: "1",
  session_id: "x",
  epoch: 3,
  store: "s-2",
  window: 1,
  settled: "17",
  heartbeat_interval_ms: 20_000,
  heartbeat_timeout_ms: 60_000,
  software: "test/1",
} as const;
const known = { store: "s-9", epoch: 4, eventid: "41", recorded: 1_203 } as const;
const nack = {
  type: "nack",
  resourceid: "a_b",
  eventid: "7",
  retryable: true,
  code: "handler_failed",
  message: "no",
} as const;

const examples: readonly ControlMessage[] = [
  hello,
  { ...hello, known },
  welcome,
  { ...welcome, known: { store: "s-9", epoch: 0, eventid: "0", recorded: 0 } },
  { type: "refuse", code: "overloaded", message: "later", retry_after_ms: 0 },
  { type: "refuse", code: "forbidden", message: "never" },
  { type: "heartbeat", settled: "9007199254740991" },
  { type: "ack", acks: acks.slice(0, 1) },
  { type: "ack", acks, recorded: Number.MAX_SAFE_INTEGER },
  nack,
  { type: "goodbye", reason: "rotation" },
  { type: "goodbye", reason: "drain" },
  { type: "goodbye", reason: "stopping" },
  { type: "goodbye_ack" },
  { type: "drain", reason: "deploy", window_ms: 30_000, reconnect_after_ms: 1234 },
];

/** A control message with some of its fields replaced, as a peer might send it. */
function parse(name: string, data: unknown): unknown {
  const text = JSON.stringify({
    specversion: "1.0",
    ...envelope,
    type: `${CONTROL_TYPE_PREFIX}${name}.v1`,
    data,
  });
  const parsed = parseMessage(jsonCodec.decode(text));
  return parsed.kind === "control" ? parsed.message : parsed;
}

describe("control messages", () => {
  test.each(examples)("survive both codecs: %j", (message) => {
    for (const codec of [jsonCodec, protobufCodec] as const) {
      const frame = codec.encode(encodeControl(message, envelope));
      const event = typeof frame === "string" ? jsonCodec.decode(frame) : protobufCodec.decode(frame);
      expect(event).toMatchObject({ ...envelope, type: `hawser.control.${message.type}.v1` });
      expect(parseMessage(event)).toEqual({ kind: "control", message });
    }
  });

  test("fields of a later version are ignored", () => {
    for (const { type, ...data } of examples)
      expect(parse(type, { ...data, later: { x: 1 } })).toEqual({ type, ...data });
    expect(parse("ack", { acks: [{ resourceid: "a_b", eventid: "1", later: 1 }] })).toEqual({
      type: "ack",
      acks: [{ resourceid: "a_b", eventid: "1" }],
    });
  });

  test.each(["session-1", 7, null])("the field replaces is reserved, and ignored: %j", (replaces) => {
    expect(parse("hello", { ...hello, replaces })).toEqual(hello);
  });

  test("a code of a later version counts as internal and keeps its name", () => {
    expect(parse("nack", { ...nack, code: "quota_used_up", message: "wait" })).toEqual({
      ...nack,
      code: "internal",
      message: "quota_used_up: wait",
    });
  });

  test("long texts are cut, written as well as read, and never within a character", () => {
    const message = `${"x".repeat(LIMITS.maxMessageLength - 1)}😀`;
    const cut = "x".repeat(LIMITS.maxMessageLength - 1);
    expect(parse("nack", { ...nack, message })).toMatchObject({ message: cut });
    expect(encodeControl({ ...nack, message }, envelope).data).toMatchObject({ message: cut });
    const long = "x".repeat(LIMITS.maxReasonLength + 1);
    const reason = long.slice(1);
    expect(parse("hello", { ...hello, software: long })).toMatchObject({ software: reason });
    expect(parse("drain", { reason: long, window_ms: 0, reconnect_after_ms: 0 })).toMatchObject({ reason });
  });

  test("a duration of more than a day counts as a day", () => {
    const refuse = { code: "draining", message: "", retry_after_ms: LIMITS.maxDurationMs + 1 };
    expect(parse("refuse", refuse)).toMatchObject({ retry_after_ms: LIMITS.maxDurationMs });
  });

  test("an ACK frame of ours keeps to its bounds", () => {
    const tooMany = [...acks, { resourceid: "a_b", eventid: "9" }];
    expect(() => encodeControl({ type: "ack", acks: tooMany }, envelope)).toThrow(
      hawserError("invalid_state", "an ACK frame carries 1 to"),
    );
    expect(() => encodeControl({ type: "ack", acks: [] }, envelope)).toThrow(
      hawserError("invalid_state", "an ACK frame carries 1 to"),
    );
  });
});

describe("control messages that close the connection", () => {
  test.each<[string, unknown, string]>([
    ["ack", undefined, "must be a JSON object"],
    ["ack", null, "must be a JSON object"],
    ["ack", [], "must be a JSON object"],
    ["ack", "acks", "must be a JSON object"],
    ["ack", {}, '"acks" must list 1 to 256'],
    ["ack", { acks: [] }, '"acks" must list 1 to 256'],
    ["ack", { acks: { length: 1 } }, '"acks" must list 1 to 256'],
    ["ack", { acks: [...acks, ...acks] }, '"acks" must list 1 to 256'],
    ["ack", { acks: [null] }, '"acks" must list objects'],
    ["ack", { acks: [{ eventid: "1" }] }, "a resourceid that is not a string"],
    ["ack", { acks: [{ resourceid: "", eventid: "1" }] }, "a resourceid that is not a string"],
    ["ack", { acks: [{ resourceid: "a".repeat(513), eventid: "1" }] }, "a resourceid that is not a string"],
    ["ack", { acks: [{ resourceid: "a_b" }] }, "an eventid that is not a version"],
    ["ack", { acks: [{ resourceid: "a_b", eventid: 1 }] }, "an eventid that is not a version"],
    ["ack", { acks: [{ resourceid: "a_b", eventid: "01" }] }, "an eventid that is not a version"],
    ["nack", { ...nack, resourceid: 1 }, '"resourceid" must be a string'],
    ["nack", { ...nack, eventid: "0" }, '"eventid" is not a version'],
    ["nack", { ...nack, retryable: "yes" }, '"retryable" must be true or false'],
    ["nack", { ...nack, code: 5 }, '"code" must be a string'],
    ["nack", { ...nack, message: undefined }, '"message" must be a string'],
    ["heartbeat", {}, "settled undefined"],
    ["heartbeat", { settled: 4 }, "settled 4"],
    ["heartbeat", { settled: "-1" }, 'settled "-1"'],
    ["heartbeat", { settled: "9007199254740992" }, "is neither"],
    ["hello", { ...hello, protocol_versions: "1" }, '"protocol_versions" must list 1 to 16'],
    ["hello", { ...hello, protocol_versions: [] }, '"protocol_versions" must list 1 to 16'],
    ["hello", { ...hello, protocol_versions: Array(17).fill("1") }, '"protocol_versions" must list 1 to 16'],
    ["hello", { ...hello, protocol_versions: [1] }, '"protocol_versions" must be a string'],
    ["hello", { ...hello, store: "" }, '"store" must be a string of 1 to 128'],
    ["hello", { ...hello, store: "x".repeat(129) }, '"store" must be a string of 1 to 128'],
    ["hello", { ...hello, window: 0 }, '"window" must be an integer of 1 to 65536'],
    ["hello", { ...hello, window: LIMITS.maxWindow + 1 }, '"window" must be an integer of 1 to 65536'],
    ["hello", { ...hello, window: 1.5 }, '"window" must be an integer'],
    ["hello", { ...hello, window: "256" }, '"window" must be an integer'],
    ["hello", { ...hello, software: 1 }, '"software" must be a string'],
    ["hello", { ...hello, known: "s-9" }, '"known" must be an object'],
    ["hello", { ...hello, known: [] }, '"known" must be an object'],
    ["hello", { ...hello, known: { ...known, store: "" } }, '"store" must be a string of 1 to 128'],
    ["hello", { ...hello, known: { ...known, epoch: -1 } }, '"epoch" must be an integer of 0'],
    ["hello", { ...hello, known: { ...known, eventid: "01" } }, 'eventid "01" is neither'],
    ["hello", { ...hello, known: { ...known, eventid: undefined } }, "eventid undefined is neither"],
    ["welcome", { ...welcome, known: { ...known, recorded: 2 ** 53 } }, '"recorded" must be an integer'],
    ["ack", { acks: acks.slice(0, 1), recorded: "7" }, '"recorded" must be an integer of 0'],
    ["welcome", { ...welcome, session_id: undefined }, '"session_id" must be a string'],
    ["welcome", { ...welcome, epoch: 0 }, '"epoch" must be an integer'],
    ["welcome", { ...welcome, window: 65_537 }, '"window" must be an integer'],
    ["welcome", { ...welcome, heartbeat_interval_ms: 9 }, '"heartbeat_interval_ms" must be an integer of 10'],
    [
      "welcome",
      { ...welcome, heartbeat_timeout_ms: 19_999 },
      '"heartbeat_timeout_ms" must be an integer of 20000',
    ],
    [
      "refuse",
      { code: "forbidden", message: "x", retry_after_ms: -1 },
      '"retry_after_ms" must be an integer',
    ],
    [
      "refuse",
      { code: "forbidden", message: "x", retry_after_ms: "5" },
      '"retry_after_ms" must be an integer',
    ],
    ["refuse", { message: "x" }, '"code" must be a string'],
    ["goodbye", {}, '"reason" must be rotation, drain or stopping'],
    ["goodbye", { reason: "bored" }, 'not "bored"'],
    ["drain", { window_ms: 1, reconnect_after_ms: 1 }, '"reason" must be a string'],
    ["drain", { reason: "", window_ms: null, reconnect_after_ms: 1 }, '"window_ms" must be an integer'],
    ["drain", { reason: "", window_ms: 1 }, '"reconnect_after_ms" must be an integer'],
  ])("%s %j", (name, data, problem) => {
    expect(() => parse(name, data)).toThrow(hawserError("invalid_message", problem));
    expect(nackKeyOf(() => parse(name, data))).toBeUndefined();
  });

  test("a hello under a name that is none", () => {
    expect(() => parse("hello", { ...hello, agent: "Web" })).toThrow(
      hawserError("invalid_agent_name", "lower case"),
    );
  });

  test("a welcome in a version that was not offered", () => {
    expect(() => parse("welcome", { ...welcome, protocol_version: "2" })).toThrow(
      hawserError("unsupported_version"),
    );
  });

  test.each(["close", "hello2", "", "constructor", "__proto__"])("one that does not exist: %s", (name) => {
    expect(() => parse(name, {})).toThrow(hawserError("unknown_type", "there is no control message"));
    expect(closeCodeFor("unknown_type")).toBe(1002);
  });

  test("one of another version, or without any", () => {
    const data = { settled: "1" };
    for (const type of ["hawser.control.heartbeat.v2", "hawser.control.heartbeat", "hawser.control."]) {
      expect(() => parseMessage({ specversion: "1.0", ...envelope, type, data })).toThrow(
        hawserError("unknown_type"),
      );
    }
  });
});

const event = {
  ...specEvent({ id: "e-1", source: "/p", kind: "Task", name: "web", uid: "u1", spec: {} }),
  eventid: "12",
};
const command: CloudEvent = {
  specversion: "1.0",
  id: "e-2",
  source: "/p",
  type: "restart",
  resourceid: "web_u1",
  eventid: "13",
};

function nackKeyOf(run: () => unknown): unknown {
  try {
    run();
  } catch (thrown) {
    return nackKey(HawserError.from(thrown));
  }
  throw new Error("it was accepted");
}

describe("events", () => {
  test("come with their version as a number", () => {
    expect(parseMessage(event)).toEqual({ kind: "event", event, version: 12 });
    expect(parseMessage(command)).toEqual({ kind: "event", event: command, version: 13 });
  });

  test.each<[string, CloudEvent, string]>([
    ["no resourceid", { ...command, resourceid: undefined }, "missing_resourceid"],
    ["a resourceid that is an integer", { ...command, resourceid: 5 }, "missing_resourceid"],
    ["a resourceid above the limit", { ...command, resourceid: "a".repeat(513) }, "missing_resourceid"],
    ["no eventid", { ...command, eventid: undefined }, "invalid_eventid"],
    ["an eventid that is an integer", { ...command, eventid: 5 }, "invalid_eventid"],
    ["an eventid with a leading zero", { ...command, eventid: "05" }, "invalid_eventid"],
    ["an eventid that is not decimal", { ...command, eventid: "0x5" }, "invalid_eventid"],
    ["the eventid 0", { ...command, eventid: "0" }, "invalid_eventid"],
    ["an eventid above 2^53 - 1", { ...command, eventid: "9007199254740992" }, "invalid_eventid"],
    ["an eventid of 17 digits", { ...command, eventid: "10000000000000000" }, "invalid_eventid"],
  ])("without a key close the connection: %s", (_name, bad, code) => {
    expect(() => parseMessage(bad)).toThrow(expect.objectContaining({ code }));
    expect(nackKeyOf(() => parseMessage(bad))).toBeUndefined();
  });

  test.each<[string, CloudEvent, string, string]>([
    [
      "an unknown type of ours",
      { ...command, type: "hawser.resource.spec.v2" },
      "unknown_type",
      "is not defined",
    ],
    ["a resourceid without a uid", { ...command, resourceid: "web" }, "invalid_event", "is not <name>_<uid>"],
    [
      "a resourceid with two separators",
      { ...command, resourceid: "web_a_b" },
      "invalid_event",
      "is not <name>_<uid>",
    ],
    [
      "a state without a subject",
      { ...event, subject: undefined } as unknown as CloudEvent,
      "invalid_event",
      "needs a subject",
    ],
    ["a subject without a kind", { ...event, subject: "web" }, "invalid_event", "is not <kind>/<name>"],
    [
      "a subject of another resource",
      { ...event, subject: "Task/other" },
      "invalid_event",
      "name different resources",
    ],
  ])("with a key are for a permanent NACK: %s", (_name, bad, code, problem) => {
    expect(() => parseMessage(bad)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(problem) }),
    );
    expect(nackKeyOf(() => parseMessage(bad))).toEqual({
      resourceid: bad["resourceid"],
      eventid: bad["eventid"],
    });
  });

  test("the largest version", () => {
    const eventid = String(LIMITS.maxVersion);
    expect(parseMessage({ ...command, eventid })).toMatchObject({ version: LIMITS.maxVersion });
  });

  test("a delete needs no more than its subject", () => {
    const gone = {
      ...deleteEvent({ id: "e", source: "/p", kind: "Task", name: "web", uid: "u1" }),
      eventid: "1",
    };
    expect(parseMessage(gone)).toMatchObject({ kind: "event", version: 1 });
  });
});
