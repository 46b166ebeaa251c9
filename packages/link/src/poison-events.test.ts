import {
  jsonCodec,
  LIMITS,
  protobufCodec,
  type Codec,
  type ErrorCode,
  type EventDraft,
  type JsonValue,
} from "@hawser/protocol";
import { describe, expect, it } from "vitest";
import { command, TwoSides, type Side } from "./testing/two-sides.js";

/** An event that is durably in a mailbox and that no session can deliver. */
interface Poison {
  readonly what: string;
  readonly event: EventDraft;
  readonly code: ErrorCode;
  /** Only this codec finds anything wrong with it. */
  readonly only?: "cloudevents.json" | "cloudevents.proto";
}

const nested = (depth: number): JsonValue => (depth === 0 ? 1 : [nested(depth - 1)]);
const many = Object.fromEntries(
  Array.from({ length: LIMITS.maxExtensions + 1 }, (_, index) => [`ext${index}`, "x"]),
);

/** What older rules, or another implementation, may have let into a mailbox: it is not even sent. */
const NOT_SENT: readonly Poison[] = [
  {
    what: "more bytes than a frame holds",
    event: command("a", { data: "x".repeat(LIMITS.maxFrameBytes) }),
    code: "event_too_large",
  },
  {
    what: "a control character in an attribute",
    event: command("a", { note: "a\u0007b" }),
    code: "invalid_event",
  },
  { what: "too many attributes", event: command("a", many), code: "invalid_event" },
  { what: "an attribute that is an object", event: command("a", { note: { a: 1 } }), code: "invalid_event" },
  { what: "an attribute name in capitals", event: command("a", { Note: "x" }), code: "invalid_event" },
  { what: "an empty subject", event: command("a", { subject: "" }), code: "invalid_event" },
  { what: "a time that is none", event: command("a", { time: "yesterday" }), code: "invalid_event" },
  {
    what: "a time that no protobuf timestamp can be",
    event: command("a", { time: "0001-01-01T00:00:00+14:00" }),
    code: "invalid_event",
  },
  {
    what: "a number that is no 32-bit integer",
    event: command("a", { n: 2 ** 40 }),
    code: "invalid_event",
  },
  {
    what: "a resourceid that is too long",
    event: { ...command("a"), resourceid: `${"a".repeat(600)}_u1` },
    code: "missing_resourceid",
  },
];

/** What only its receiver finds out. */
const REFUSED: readonly Poison[] = [
  { what: "data nested too deep", event: command("a", { data: nested(600) }), code: "invalid_event" },
  {
    what: "an object as plain text",
    event: command("a", { data: { a: 1 }, datacontenttype: "text/plain" }),
    code: "invalid_event",
    only: "cloudevents.json",
  },
  {
    what: "a reserved type",
    event: { ...command("a"), type: "hawser.later.v9" },
    code: "unknown_type",
  },
  {
    what: "a state without a subject",
    event: { ...command("a"), type: "hawser.resource.spec.v1" },
    code: "invalid_event",
  },
  {
    what: "the subject of another resource",
    event: { ...command("a"), type: "hawser.resource.spec.v1", subject: "Thing/other" },
    code: "invalid_event",
  },
  {
    what: "a resourceid without a uid",
    event: { ...command("a"), resourceid: "a" },
    code: "invalid_event",
  },
];

const CODECS: readonly (readonly [string, Codec])[] = [
  ["JSON", jsonCodec],
  ["protobuf", protobufCodec],
];

async function deadLetters(side: Side, peer: string): Promise<readonly string[]> {
  const letters = await side.store.deadLetters(peer, { limit: 10 });
  return letters.map(({ version, reason }) => `${version} ${reason.code}`);
}

/** The event lies in a mailbox when the session begins, between two that are well. */
async function deliver({ event, code }: Poison, codec: Codec, from: "agent" | "principal") {
  const sides = new TwoSides(1, codec);
  await sides.start();
  const [sender, receiver] =
    from === "agent" ? [sides.agent, sides.principal] : [sides.principal, sides.agent];
  const peer = from === "agent" ? "principal" : "edge-1";
  const behind = { ...command("a"), resourceid: event.resourceid.includes("_") ? event.resourceid : "a_u1" };
  const isNamed = behind.resourceid.length <= LIMITS.maxResourceIdLength;
  await sides.publish(sender, peer, [
    command("before"),
    event,
    isNamed ? behind : command("a"),
    command("other"),
  ]);
  await sides.connect();
  await sides.world.advance(30_000);
  const letters = await deadLetters(sender, peer);
  // One that comes while the session is there is sent without another look.
  await sides.publish(sender, peer, [command("after")]);
  await sides.world.advance(1_000);
  const stats = await sender.store.stats(peer);
  expect(letters).toEqual([`2 ${code}`]);
  expect(receiver.deliveries.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual([1, 3, 4, 5]);
  expect(stats).toMatchObject({ pending: 0, deadLetters: 1 });
  expect([sides.agentEnds, sides.principalEnds]).toEqual([[], []]);
  const sentOf = sender.sent.filter(({ event: sent }) => sent.eventid === "2").length;
  await sides.stop();
  return { sent: sentOf };
}

describe.each(CODECS)("over %s, an event that nobody can take", (_, codec) => {
  describe.each(["agent", "principal"] as const)("of the %s", (from) => {
    it.each(NOT_SENT)("is given up unsent, and the session goes on: $what", async (poison) => {
      expect(await deliver(poison, codec, from)).toEqual({ sent: 0 });
    });

    it.each(REFUSED.filter(({ only = codec.subprotocol }) => only === codec.subprotocol))(
      "is refused for good, and the session goes on: $what",
      async (poison) => {
        expect(await deliver(poison, codec, from)).toEqual({ sent: 1 });
      },
    );
  });
});

it("is given up as well when it comes while the session is there", async () => {
  const sides = new TwoSides(1, protobufCodec);
  await sides.start();
  await sides.connect();
  await sides.publish(sides.principal, "edge-1", [
    command("a", { note: { no: "attribute" } }),
    command("a", { subject: "" }),
    command("a"),
  ]);
  await sides.world.advance(30_000);
  // The one no codec can write, the other its receiver refuses.
  expect(await deadLetters(sides.principal, "edge-1")).toEqual(["1 invalid_event", "2 invalid_event"]);
  expect(sides.agent.applied).toEqual(["a_u1@3"]);
  expect([sides.agentEnds, sides.principalEnds]).toEqual([[], []]);
  await sides.stop();
});
