import { encodeControl, type CloudEvent, type ControlMessage, type JsonValue } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import { bytes, chance, integer, pick, times } from "./draws.js";

/** Text with what goes wrong in text: escapes, pairs, controls, long, empty. */
function text(random: Random): string {
  return pick<() => string>(random, [
    () => "web",
    () => "",
    () => "x".repeat(integer(random, 1, 1_100)),
    () => String.fromCodePoint(...times(integer(random, 1, 12), () => integer(random, 0, 0x2ff))),
    () => "Grüße 日本語 👩‍🚀",
    () => "\u0000\u001b\u009b\u202e",
    () => "\ud800",
    () => "a_b_c/d?e#f%g",
  ])();
}

function json(random: Random, depth = 0): JsonValue {
  const leaf: readonly [() => JsonValue, ...(() => JsonValue)[]] = [
    () => null,
    () => chance(random, 0.5),
    () => integer(random, -1_000_000, 1_000_000),
    () => random.next() * 1e300,
    () => text(random),
  ];
  if (depth > 4 || chance(random, 0.5)) return pick(random, leaf)();
  if (chance(random, 0.5)) return times(integer(random, 0, 4), () => json(random, depth + 1));
  return Object.fromEntries(times(integer(random, 0, 4), () => [text(random), json(random, depth + 1)]));
}

/** An event that is right most of the time, with one of the first 300 versions of a mailbox. */
export function event(random: Random): CloudEvent {
  return eventAt(random, integer(random, 1, 300));
}

/** The same with this version, most of the time. */
export function eventAt(random: Random, version: number): CloudEvent {
  const kind = pick(random, [
    "hawser.resource.spec.v1",
    "hawser.resource.status.v1",
    "app.order.v1",
    "hawser.later.v2",
  ]);
  const extension = chance(random, 0.3)
    ? { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }
    : {};
  return {
    specversion: "1.0",
    id: `e${integer(random, 0, 99)}`,
    source: "/agents/fuzz",
    type: kind,
    subject: "Task/web",
    resourceid: chance(random, 0.9) ? "web_u1" : text(random),
    eventid: String(chance(random, 0.9) ? version : random.next() * 1e20),
    time: "2026-01-01T00:00:00Z",
    ...extension,
    ...pick<() => Partial<CloudEvent>>(random, [
      () => ({ datacontenttype: "application/json", data: json(random) }),
      () => ({ datacontenttype: "text/plain", data: text(random) }),
      () => ({ datacontenttype: "application/octet-stream", data: Uint8Array.from(bytes(random, 60)) }),
      () => ({}),
    ])(),
  };
}

/** An event that gets to a handler of an agent with one for `Task`, or to the one for all other events. */
export function goodEventAt(random: Random, version: number): CloudEvent {
  const isSpec = chance(random, 0.5);
  return {
    specversion: "1.0",
    id: `e${version}`,
    source: "/agents/fuzz",
    type: isSpec ? "hawser.resource.spec.v1" : "app.order.v1",
    ...(isSpec ? { subject: "Task/web" } : {}),
    resourceid: isSpec ? "web_u1" : `order-${integer(random, 1, 9)}`,
    eventid: String(version),
    datacontenttype: "application/json",
    data: isSpec ? { spec: json(random) } : json(random),
  };
}

/** A control message that is right. */
export function control(random: Random): CloudEvent {
  return encodeControl(pick(random, CONTROLS)(random), { id: "1", source: "/agents/fuzz" });
}

const WELCOME: ControlMessage = {
  type: "welcome",
  protocol_version: "1",
  session_id: "s-1",
  epoch: 1,
  store: "store-of-principal",
  window: 256,
  settled: "0",
  heartbeat_interval_ms: 20_000,
  heartbeat_timeout_ms: 60_000,
  software: "fuzz",
};

/** What opens the session of an agent. */
export function welcome(): CloudEvent {
  return encodeControl(WELCOME, { id: "1", source: "hawser/principal" });
}

const key = (random: Random) => ({ resourceid: "web_u1", eventid: String(integer(random, 1, 300)) });
const settled = (random: Random): string => String(integer(random, 0, 300));

const hello = (random: Random, agent = "fuzz"): ControlMessage => ({
  type: "hello",
  agent,
  protocol_versions: ["1"],
  store: "store-of-fuzz",
  window: integer(random, 1, 256),
  settled: "0",
  software: "fuzz",
  ...(chance(random, 0.2)
    ? { known: { store: "s", epoch: integer(random, 0, 9), eventid: "0", recorded: 0 } }
    : {}),
});

const CONTROLS: readonly [(random: Random) => ControlMessage, ...((random: Random) => ControlMessage)[]] = [
  hello,
  () => WELCOME,
  (random) => ({ type: "heartbeat", settled: settled(random) }),
  (random) => ({
    type: "ack",
    acks: times(integer(random, 1, 5), () => key(random)),
    recorded: integer(random, 1, 9),
  }),
  (random) => ({
    type: "nack",
    ...key(random),
    retryable: chance(random, 0.5),
    code: "handler_failed",
    message: text(random),
  }),
  () => ({ type: "goodbye", reason: "rotation" }),
  () => ({ type: "goodbye_ack" }),
  () => ({ type: "refuse", code: "overloaded", message: "later", retry_after_ms: 10 }),
  () => ({ type: "drain", reason: "deploy", window_ms: 100, reconnect_after_ms: 10 }),
];
