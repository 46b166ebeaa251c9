import type { Nack } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import { expect, test } from "vitest";
import { EventWriter } from "./event-writer.js";
import { MAX_KEPT_MESSAGE_LENGTH } from "./lane.js";
import type { ResendTiming } from "./resend-timing.js";
import { deliverable, type EventSketch } from "./testing/events.js";

/** Draws nothing above the lower bound: a first timeout is 3,000 ms, a first backoff 250 ms. */
const noJitter: Random = { next: () => 0, uuid: () => "" };

function writer(window = 10, resend: Partial<ResendTiming> = {}): EventWriter {
  return new EventWriter({ window, random: noJitter, resend });
}

function offer(target: EventWriter, ...events: readonly (readonly [number, EventSketch?])[]): void {
  for (const [version, sketch] of events) target.offer(deliverable(version, sketch));
}

/** Everything that may go at `nowMs`: `7` for a first send, `7#2` for a second, `7 expired` for a dead letter. */
function takeAll(target: EventWriter, nowMs = 0, wallNowMs = 0): string[] {
  const taken: string[] = [];
  for (let next = target.take(nowMs, wallNowMs); next !== undefined; next = target.take(nowMs, wallNowMs)) {
    const { version } = next.entry;
    if (next.kind === "expired" || next.kind === "gaveWay") taken.push(`${version} ${next.kind}`);
    else taken.push(next.attempt === 1 ? `${version}` : `${version}#${next.attempt}`);
  }
  return taken;
}

const key = (version: number, resource = "web") => ({
  resourceid: `${resource}_1`,
  eventid: String(version),
});
const nack = (version: number, retryable: boolean, resource = "web"): Nack => ({
  type: "nack",
  ...key(version, resource),
  retryable,
  code: "handler_failed",
  message: "no",
});

test("one event of a resource is in flight; its ACK lets the next one go", () => {
  const sender = writer();
  offer(sender, [1], [2], [3]);
  expect(takeAll(sender)).toEqual(["1"]);
  expect(sender.ack(key(1), 40)).toEqual({
    kind: "acked",
    version: 1,
    rttMs: 40,
    attempts: 1,
    superseded: false,
  });
  expect(takeAll(sender)).toEqual(["2"]);
  expect([sender.inFlight, sender.held, sender.lowestHeld()]).toEqual([1, 2, 2]);
});

test("the window bounds what is in flight, exactly", () => {
  const sender = writer(2);
  offer(sender, [1, { resource: "a" }], [2, { resource: "b" }], [3, { resource: "c" }]);
  expect(takeAll(sender)).toEqual(["1", "2"]);
  expect(sender.inFlight).toBe(2);
  sender.ack(key(2, "b"), 0);
  expect(takeAll(sender)).toEqual(["3"]);
});

test("new events go in version order, and resources take turns", () => {
  const sender = writer(2);
  offer(
    sender,
    [1, { resource: "a" }],
    [2, { resource: "a" }],
    [3, { resource: "b" }],
    [4, { resource: "c" }],
  );
  expect(takeAll(sender)).toEqual(["1", "3"]);
  sender.ack(key(1, "a"), 0);
  expect(takeAll(sender)).toEqual(["4"]);
  sender.ack(key(4, "c"), 0);
  expect(takeAll(sender)).toEqual(["2"]);
});

test("a version that has been offered is a duplicate, also after its ACK", () => {
  const sender = writer();
  expect(sender.offer(deliverable(5))).toBe("queued");
  expect(sender.offer(deliverable(5))).toBe("duplicate");
  takeAll(sender);
  sender.ack(key(5), 0);
  expect(sender.offer(deliverable(5))).toBe("duplicate");
  expect(sender.held).toBe(0);
});

test("version and eventid must be the same number", () => {
  expect(() => writer().offer({ ...deliverable(5), version: 6 })).toThrow("has the eventid");
});

test("without an answer an event goes again, later each time, with its attempt", () => {
  const sender = writer();
  offer(sender, [1]);
  expect(takeAll(sender)).toEqual(["1"]);
  expect(takeAll(sender, 2_999)).toEqual([]);
  expect(takeAll(sender, 3_000)).toEqual(["1#2"]);
  expect(sender.nextWakeAt()).toBe(9_000);
  expect(takeAll(sender, 9_000)).toEqual(["1#3"]);
  expect(sender.ack(key(1), 9_500)).toMatchObject({ attempts: 3, rttMs: undefined });
});

test("the timeout follows the ACK times", () => {
  const sender = writer();
  offer(sender, [1], [2]);
  takeAll(sender);
  sender.ack(key(1), 2_000);
  expect(sender.rto).toMatchObject({ srttMs: 2_000, valueMs: 6_000 });
  takeAll(sender, 2_000);
  expect(sender.nextWakeAt()).toBe(8_000);
});

test("resends that are due go before new events, earliest first, also when the window is full", () => {
  const sender = writer(2);
  offer(sender, [1, { resource: "a" }], [2, { resource: "b" }]);
  sender.take(0, 0);
  sender.take(10, 0);
  offer(sender, [3, { resource: "c" }]);
  expect(takeAll(sender, 3_010)).toEqual(["1#2", "2#2"]);
  expect(sender.inFlight).toBe(2);
});

test("of a backoff and a resend that are both due, the earlier goes first", () => {
  const sender = writer();
  offer(sender, [1, { resource: "a" }], [2, { resource: "b" }], [3, { resource: "c" }]);
  takeAll(sender);
  sender.nack(nack(2, true, "b"), 2_900);
  sender.ack(key(3, "c"), 2_900);
  offer(sender, [4, { resource: "c" }]);
  expect(takeAll(sender, 3_150)).toEqual(["1#2", "2#2", "4"]);
});

test("a retryable NACK frees the window and blocks its resource until the backoff is over", () => {
  const sender = writer(1);
  offer(sender, [1, { resource: "a" }], [2, { resource: "a" }], [3, { resource: "b" }]);
  takeAll(sender);
  expect(sender.nack(nack(1, true, "a"), 100)).toEqual({ kind: "retry", dueAtMs: 350 });
  expect(sender.inFlight).toBe(0);
  expect(takeAll(sender, 100)).toEqual(["3"]);
  expect(takeAll(sender, 350)).toEqual([]);
  sender.ack(key(3, "b"), 400);
  expect(takeAll(sender, 400)).toEqual(["1#2"]);
});

test("backoff doubles with each NACK and is capped", () => {
  const half: Random = { next: () => 0.5, uuid: () => "" };
  const sender = new EventWriter({ window: 1, random: half });
  offer(sender, [1]);
  const delays: number[] = [];
  let nowMs = 0;
  for (let round = 0; round < 10; round += 1) {
    takeAll(sender, nowMs);
    const result = sender.nack(nack(1, true), nowMs);
    if (result.kind !== "retry") throw new Error(result.kind);
    delays.push(result.dueAtMs - nowMs);
    nowMs = result.dueAtMs;
  }
  expect(delays.slice(0, 3)).toEqual([375, 625, 1_125]);
  expect(delays.slice(-2)).toEqual([60_125, 60_125]);
});

test("a NACK is not a timeout: the wait for the next ACK starts over", () => {
  const sender = writer();
  offer(sender, [1]);
  takeAll(sender, 0);
  sender.nack(nack(1, true), 10);
  takeAll(sender, 260);
  expect(sender.nextWakeAt()).toBe(3_260);
});

test("a permanent NACK makes a dead letter, and its resource waits until that is on disk", () => {
  const sender = writer();
  offer(sender, [1], [2]);
  takeAll(sender);
  expect(sender.nack(nack(1, false), 0)).toEqual({ kind: "deadLetter", entry: deliverable(1) });
  expect([sender.inFlight, sender.held, sender.lowestHeld()]).toEqual([0, 2, 1]);
  expect(takeAll(sender, 60_000)).toEqual([]);
  expect(sender.nextWakeAt()).toBeUndefined();
  expect(sender.ack(key(1), 0)).toEqual({ kind: "unknown" });
  sender.deadLetterWritten(1);
  expect(takeAll(sender)).toEqual(["2"]);
});

test("a refused state is a dead letter even when a newer one is offered while it is written", () => {
  const sender = writer();
  offer(sender, [1, { type: "spec" }]);
  takeAll(sender);
  sender.nack(nack(1, false), 0);
  offer(sender, [2, { type: "spec" }]);
  expect(takeAll(sender)).toEqual([]);
  sender.deadLetterWritten(1);
  expect(takeAll(sender)).toEqual(["2"]);
});

test("settling what was not given up is a mistake that is noticed", () => {
  const sender = writer();
  offer(sender, [1]);
  expect(() => sender.deadLetterWritten(1)).toThrow(expect.objectContaining({ code: "invalid_state" }));
});

test("a waiting state gives way to a newer one, commands do not", () => {
  const sender = writer();
  offer(sender, [1], [2, { type: "spec" }], [3], [4, { type: "spec" }], [5, { type: "status" }]);
  expect(sender.held).toBe(4);
  const sent: string[] = [];
  for (const version of [1, 3, 4, 5]) {
    sent.push(...takeAll(sender));
    sender.ack(key(version), 0);
  }
  expect(sent).toEqual(["1", "3", "4", "5"]);
  expect(sender.held).toBe(0);
});

test("a state in flight that is superseded is not sent again: its successor goes at the deadline, in its place", () => {
  const sender = writer(1);
  offer(sender, [1, { type: "spec" }]);
  takeAll(sender);
  offer(sender, [2, { type: "spec" }]);
  expect(takeAll(sender, 2_999)).toEqual([]);
  expect(takeAll(sender, 3_000)).toEqual(["2"]);
  expect([sender.inFlight, sender.held]).toEqual([1, 1]);
  expect(sender.ack(key(1), 3_001)).toEqual({ kind: "unknown" });
  expect(sender.ack(key(2), 3_002)).toMatchObject({ kind: "acked", rttMs: 2 });
});

test("the ACK of a superseded state says so, and its successor goes", () => {
  const sender = writer();
  offer(sender, [1, { type: "spec" }]);
  takeAll(sender);
  offer(sender, [2, { type: "delete" }]);
  expect(sender.ack(key(1), 5)).toMatchObject({ kind: "acked", superseded: true });
  expect(takeAll(sender)).toEqual(["2"]);
});

test.each([true, false])(
  "a NACK (retryable: %s) of a superseded state only lets its successor go",
  (retryable) => {
    const sender = writer();
    offer(sender, [1, { type: "spec" }]);
    takeAll(sender);
    offer(sender, [2, { type: "spec" }]);
    expect(sender.nack(nack(1, retryable), 5)).toEqual({ kind: "superseded", version: 1 });
    expect(takeAll(sender, 5)).toEqual(["2"]);
    expect(sender.held).toBe(1);
  },
);

test("a state that backs off is superseded at once", () => {
  const sender = writer();
  offer(sender, [1, { type: "spec" }]);
  takeAll(sender);
  sender.nack(nack(1, true), 0);
  offer(sender, [2, { type: "spec" }]);
  expect(takeAll(sender, 0)).toEqual(["2"]);
  expect(sender.held).toBe(1);
  expect(takeAll(sender, 2_000)).toEqual([]);
});

test("a command past its expiry is not sent but given up, at the instant", () => {
  const expirytime = new Date(1_000).toISOString();
  const sender = writer(1);
  offer(
    sender,
    [1, { resource: "a", expirytime }],
    [2, { resource: "b", expirytime }],
    [3, { resource: "b" }],
  );
  expect(takeAll(sender, 0, 999)).toEqual(["1"]);
  sender.ack(key(1, "a"), 0);
  expect(takeAll(sender, 0, 1_000)).toEqual(["2 expired"]);
  sender.deadLetterWritten(2);
  expect(takeAll(sender, 0, 1_000)).toEqual(["3"]);
});

test("a command that expires after a NACK is given up when its turn comes", () => {
  const sender = writer();
  offer(sender, [1, { expirytime: new Date(1_000).toISOString() }]);
  takeAll(sender, 0, 0);
  sender.nack(nack(1, true), 0);
  expect(takeAll(sender, 250, 2_000)).toEqual(["1 expired"]);
});

test("a command that expires in flight is the receiver's to judge", () => {
  const sender = writer();
  offer(sender, [1, { expirytime: new Date(1_000).toISOString() }]);
  takeAll(sender, 0, 0);
  expect(takeAll(sender, 3_000, 3_000)).toEqual(["1#2"]);
});

test("states do not expire", () => {
  const sender = writer();
  offer(sender, [1, { type: "spec", expirytime: new Date(1_000).toISOString() }]);
  expect(takeAll(sender, 0, 2_000)).toEqual(["1"]);
});

test("an overtaken state whose successor has expired gives its place in the window back", () => {
  const sender = writer(1);
  offer(sender, [1, { resource: "a", type: "spec" }]);
  takeAll(sender);
  offer(sender, [2, { resource: "a", expirytime: new Date(1_000).toISOString() }]);
  offer(sender, [3, { resource: "a", type: "spec" }], [4, { resource: "b" }]);
  expect(takeAll(sender, 3_000, 3_000)).toEqual(["2 expired", "4"]);
  expect(sender.inFlight).toBe(1);
});

test("an ACK counts before its event was sent here: a handler of the session before was still running", () => {
  const sender = writer(1);
  offer(sender, [1], [2]);
  expect(sender.ack(key(1), 0)).toMatchObject({ kind: "acked", attempts: 0, rttMs: undefined });
  expect(takeAll(sender)).toEqual(["2"]);
});

test("an ACK counts while its event backs off", () => {
  const sender = writer();
  offer(sender, [1]);
  takeAll(sender);
  sender.nack(nack(1, true), 0);
  expect(sender.ack(key(1), 10)).toMatchObject({ kind: "acked", attempts: 1, rttMs: undefined });
  expect(takeAll(sender, 1_000)).toEqual([]);
  expect(sender.nextWakeAt()).toBeUndefined();
});

test("answers to anything else are unknown and change nothing", () => {
  const sender = writer();
  offer(sender, [1], [2], [3, { resource: "other" }]);
  sender.take(0, 0);
  for (const version of [2, 9]) {
    expect(sender.ack(key(version), 0)).toEqual({ kind: "unknown" });
    expect(sender.nack(nack(version, false), 0)).toEqual({ kind: "unknown" });
  }
  expect(sender.nack(nack(3, true, "other"), 0)).toEqual({ kind: "unknown" });
  expect(sender.ack(key(1, "absent"), 0)).toEqual({ kind: "unknown" });
  expect([sender.inFlight, sender.held]).toEqual([1, 3]);
});

test("a second retryable NACK of one send does not lengthen the backoff", () => {
  const sender = writer();
  offer(sender, [1]);
  takeAll(sender);
  sender.nack(nack(1, true), 0);
  expect(sender.nack(nack(1, true), 200)).toEqual({ kind: "unknown" });
  expect(sender.nextWakeAt()).toBe(250);
});

test("quiesced, nothing goes out and answers still count", () => {
  const sender = writer();
  offer(sender, [1], [2]);
  takeAll(sender);
  sender.quiesce();
  expect(sender.nextWakeAt()).toBeUndefined();
  expect(sender.ack(key(1), 0)).toMatchObject({ kind: "acked" });
  expect(takeAll(sender, 60_000)).toEqual([]);
  expect([sender.inFlight, sender.held]).toEqual([0, 1]);
});

test("the next wake time is exact in every state", () => {
  const sender = writer(1);
  expect(sender.nextWakeAt()).toBeUndefined();
  offer(sender, [1, { resource: "a" }]);
  expect(sender.nextWakeAt()).toBe(Number.NEGATIVE_INFINITY);
  takeAll(sender, 0);
  offer(sender, [2, { resource: "b" }]);
  expect(sender.nextWakeAt(), "window full: the resend").toBe(3_000);
  sender.nack(nack(1, true, "a"), 100);
  takeAll(sender, 100);
  expect(sender.nextWakeAt(), "window full: a backoff has to wait for room").toBe(3_100);
  sender.ack(key(2, "b"), 150);
  expect(sender.nextWakeAt(), "window open: the backoff").toBe(350);
});

test("the next wake time is the earlier of a resend and a backoff", () => {
  const sender = writer();
  offer(sender, [1, { resource: "a" }], [2, { resource: "b" }]);
  takeAll(sender, 0);
  sender.nack(nack(2, true, "b"), 100);
  expect(sender.nextWakeAt()).toBe(350);
  takeAll(sender, 350);
  sender.nack(nack(2, true, "b"), 2_900);
  expect(sender.nextWakeAt()).toBe(3_000);
});

test("the lowest held version rises only over what is settled", () => {
  const sender = writer();
  offer(sender, [3, { resource: "a" }], [5, { resource: "b" }], [8, { resource: "c" }]);
  takeAll(sender);
  sender.ack(key(5, "b"), 0);
  expect(sender.lowestHeld()).toBe(3);
  sender.ack(key(3, "a"), 0);
  expect(sender.lowestHeld()).toBe(8);
  sender.ack(key(8, "c"), 0);
  expect(sender.lowestHeld()).toBeUndefined();
});

test.each([0, 1.5, 65_537, Number.NaN])("a window of %s is refused", (window) => {
  expect(() => writer(window)).toThrow(expect.objectContaining({ code: "invalid_config" }));
});

test.each([1, 65_536])("a window of %s is accepted", (window) => {
  expect(writer(window).inFlight).toBe(0);
});

test("what was passed over comes late: behind what is held of its resource, and counts for the lowest version", () => {
  const sender = writer();
  offer(sender, [1, { resource: "a" }], [2, { resource: "a" }], [9, { resource: "b" }]);
  expect([sender.heldOf("a_1"), sender.heldOf("b_1"), sender.heldOf("c_1")]).toEqual([2, 1, 0]);
  expect(takeAll(sender)).toEqual(["1", "9"]);
  sender.offerSpilled(deliverable(5, { resource: "a" }));
  sender.offerSpilled(deliverable(6, { resource: "c" }));
  expect(() => sender.offerSpilled(deliverable(4, { resource: "a" }))).toThrow(
    "was offered as spilled behind",
  );
  expect([sender.held, sender.heldOf("a_1"), sender.lowestHeld()]).toEqual([5, 3, 1]);
  expect(takeAll(sender)).toEqual(["6"]);
  sender.ack(key(1, "a"), 0);
  expect(takeAll(sender)).toEqual(["2"]);
  sender.ack(key(2, "a"), 0);
  sender.ack(key(9, "b"), 0);
  expect(takeAll(sender)).toEqual(["5"]);
  expect(sender.lowestHeld()).toBe(5);
  sender.ack(key(5, "a"), 0);
  expect(sender.lowestHeld()).toBe(6);
  sender.ack(key(6, "c"), 0);
  expect([sender.held, sender.lowestHeld()]).toEqual([0, undefined]);
});

test("a state that is passed over takes the turn of the one that backs off, and of the one in flight once it is late", () => {
  const sender = writer();
  offer(sender, [1, { type: "spec" }], [2]);
  takeAll(sender);
  sender.nack(nack(1, true), 0);
  sender.skipSpilled(deliverable(8, { type: "status" }));
  expect(takeAll(sender)).toEqual([]);
  sender.skipSpilled(deliverable(9, { type: "spec" }));
  expect(takeAll(sender)).toEqual(["2"]);
  sender.ack(key(2), 0);
  expect(sender.held).toBe(0);
  offer(sender, [10, { type: "spec" }]);
  expect(takeAll(sender)).toEqual(["10"]);
  sender.skipSpilled(deliverable(11, { type: "spec" }));
  expect(takeAll(sender, 10_000)).toEqual(["10 gaveWay"]);
  expect(sender.held).toBe(0);
  offer(sender, [12, { type: "spec" }]);
  expect(takeAll(sender, 10_000)).toEqual(["12"]);
  offer(sender, [13]);
  sender.skipSpilled(deliverable(14, { type: "spec" }));
  expect(takeAll(sender, 100_000)).toEqual(["13"]);
});

test("what waits is not sent once the state that supersedes it is passed over, and its resource goes on", () => {
  const sender = writer(1);
  offer(
    sender,
    [1, { resource: "a" }],
    [2, { resource: "b", type: "spec" }],
    [3, { resource: "c", type: "status" }],
    [4, { resource: "c" }],
    [5, { resource: "d" }],
  );
  expect(takeAll(sender)).toEqual(["1"]);
  sender.skipSpilled(deliverable(6, { resource: "b", type: "spec" }));
  sender.skipSpilled(deliverable(7, { resource: "c", type: "delete" }));
  // What is held of a resource is no older than what is said of it now.
  sender.skipSpilled(deliverable(3, { resource: "c", type: "delete" }));
  sender.skipSpilled(deliverable(8, { resource: "nothing-held", type: "spec" }));
  expect([sender.held, sender.heldBytes, sender.heldOf("b_1"), sender.heldOf("c_1")]).toEqual([3, 300, 0, 1]);
  const sent: string[] = [];
  for (const [version, resource] of [
    [1, "a"],
    [4, "c"],
    [5, "d"],
  ] as const) {
    sender.ack(key(version, resource), 0);
    sent.push(...takeAll(sender));
  }
  expect(sent).toEqual(["4", "5"]);
  expect([sender.held, sender.nextWakeAt()]).toEqual([0, undefined]);
});

test("what is held is not older than what was passed over before it", () => {
  const sender = writer();
  offer(sender, [5, { type: "spec" }]);
  sender.skipSpilled(deliverable(4, { type: "spec" }));
  sender.skipSpilled(deliverable(5, { type: "spec" }));
  expect(takeAll(sender)).toEqual(["5"]);
});

test("it tells what the next event of a resource waits for", () => {
  const sender = writer(2);
  expect(sender.turnOf("web_1")).toBeUndefined();
  offer(sender, [1], [2], [3, { resource: "b" }], [4, { resource: "c" }]);
  expect(sender.turnOf("web_1")).toEqual({ kind: "ready", version: 1, hasRoom: true });
  takeAll(sender, 10);
  const unanswered = { kind: "unanswered", version: 1, attempts: 1, firstSentAtMs: 10 };
  expect(sender.turnOf("web_1")).toMatchObject({ ...unanswered, refused: undefined });
  expect(sender.turnOf("c_1")).toEqual({ kind: "ready", version: 4, hasRoom: false });
  sender.nack({ ...nack(1, true), message: "x".repeat(300) }, 20);
  const refused = { times: 1, code: "handler_failed", message: "x".repeat(MAX_KEPT_MESSAGE_LENGTH) };
  expect(sender.turnOf("web_1")).toEqual({ kind: "refused", version: 1, nextTryAtMs: 270, refused });
  sender.ack(key(3, "b"), 20);
  takeAll(sender, 270);
  expect(sender.turnOf("web_1")).toMatchObject({ ...unanswered, attempts: 2, refused });
  sender.nack(nack(1, false), 280);
  expect(sender.turnOf("web_1")).toEqual({ kind: "givenUp", version: 1 });
  sender.deadLetterWritten(1);
  expect(sender.turnOf("web_1")).toMatchObject({ kind: "ready", version: 2 });
});

test("a resource that waits for its next try is set aside with all that is held of it, and its backoff goes on after it", () => {
  const sender = writer();
  offer(sender, [1], [2, { resource: "other" }], [3]);
  takeAll(sender);
  expect(sender.setAside(0)).toBeUndefined();
  sender.nack(nack(1, true), 100);
  expect(sender.setAside(350)).toBeUndefined();
  expect(sender.setAside(100)).toMatchObject({
    resourceid: "web_1",
    from: 1,
    to: 3,
    refused: { times: 1 },
    dueAtMs: 350,
  });
  expect([sender.heldOf("web_1"), sender.held, sender.lowestHeld()]).toEqual([0, 1, 2]);
  expect(sender.heldBytes).toBe(deliverable(2, { resource: "other" }).bytes);
  expect(takeAll(sender, 350)).toEqual([]);
  sender.offerSpilled(deliverable(1), { times: 1, code: "handler_failed", message: "" });
  expect(takeAll(sender, 350)).toEqual(["1"]);
  expect(sender.nack(nack(1, true), 400)).toEqual({ kind: "retry", dueAtMs: 650 });
});

test("it is starved while the window has room and everything that is held stands still", () => {
  const sender = writer(3);
  expect(sender.starved).toBe(true);
  offer(
    sender,
    [1, { resource: "a" }],
    [2, { resource: "b" }],
    [3, { resource: "c" }],
    [4, { resource: "d" }],
  );
  expect(sender.starved).toBe(false);
  takeAll(sender);
  sender.nack(nack(1, true, "a"), 0);
  expect(sender.starved).toBe(false);
  takeAll(sender);
  sender.ack(key(2, "b"), 0);
  sender.ack(key(3, "c"), 0);
  // The answer to 4 is not late yet.
  expect(sender.starved).toBe(false);
  expect(takeAll(sender, 240)).toEqual([]);
  expect(takeAll(sender, 260)).toEqual(["1#2"]);
  sender.nack(nack(1, true, "a"), 260);
  expect(sender.starved).toBe(false);
  expect(takeAll(sender, 3_000)).toEqual(["1#3", "4#2"]);
  sender.nack(nack(1, true, "a"), 3_000);
  expect(sender.starved).toBe(true);
  sender.ack(key(4, "d"), 3_000);
  expect(sender.starved).toBe(true);
});

const kib = (version: number, size: number, sketch: EventSketch = {}): readonly [number, EventSketch] => [
  version,
  { resource: `r${version}`, bytes: size * 1_024, ...sketch },
];

function bytesWriter(windowKiB: number): EventWriter {
  return new EventWriter({ window: 10, windowBytes: windowKiB * 1_024, random: noJitter });
}

test("the window of bytes bounds what is in flight, exactly, and an answer makes room", () => {
  const sender = bytesWriter(10);
  offer(sender, kib(1, 4), kib(2, 6), kib(3, 1));
  expect(takeAll(sender)).toEqual(["1", "2"]);
  expect([sender.inFlightBytes, sender.heldBytes]).toEqual([10_240, 11_264]);
  sender.ack(key(1, "r1"), 1);
  expect(takeAll(sender, 1)).toEqual(["3"]);
  expect([sender.inFlightBytes, sender.heldBytes]).toEqual([7_168, 7_168]);
});

test("an event larger than the whole window goes alone", () => {
  const sender = bytesWriter(10);
  offer(sender, kib(1, 1), kib(2, 50), kib(3, 1));
  expect(takeAll(sender)).toEqual(["1"]);
  sender.ack(key(1, "r1"), 1);
  expect(takeAll(sender, 1)).toEqual(["2"]);
  sender.ack(key(2, "r2"), 2);
  expect(takeAll(sender, 2)).toEqual(["3"]);
});

test("what has no room is not overtaken by what is smaller: it would wait for ever", () => {
  const sender = bytesWriter(10);
  offer(sender, kib(1, 6), kib(2, 8), kib(3, 1));
  expect(takeAll(sender)).toEqual(["1"]);
  expect(sender.nextWakeAt()).toBe(3_000);
});

test("what backed off and is due goes before what is new, also while it has no room", () => {
  const sender = bytesWriter(10);
  offer(sender, kib(1, 8), kib(2, 2));
  expect(takeAll(sender)).toEqual(["1", "2"]);
  sender.nack(nack(1, true, "r1"), 0);
  offer(sender, kib(3, 3), kib(4, 3));
  expect(takeAll(sender)).toEqual(["3", "4"]);
  offer(sender, kib(5, 1));
  // It is due, and 2, 3 and 4 are in its way; 5 would fit.
  expect(takeAll(sender, 300)).toEqual([]);
  expect(sender.nextWakeAt()).toBe(3_000);
  sender.ack(key(3, "r3"), 301);
  sender.ack(key(4, "r4"), 301);
  expect(takeAll(sender, 301)).toEqual(["1#2"]);
  sender.ack(key(2, "r2"), 302);
  expect(takeAll(sender, 302)).toEqual(["5"]);
});

test("a larger state that takes over the place of an older one waits for room", () => {
  const sender = bytesWriter(10);
  const state = { type: "spec" } as const;
  offer(sender, kib(1, 4, { ...state, resource: "web" }), kib(2, 6));
  expect(takeAll(sender)).toEqual(["1", "2"]);
  offer(sender, kib(3, 5, { ...state, resource: "web" }));
  sender.ack(key(2, "r2"), 10);
  offer(sender, kib(4, 6));
  expect(takeAll(sender, 10)).toEqual(["4"]);
  expect(takeAll(sender, 3_000)).toEqual(["4#2", "1 gaveWay"]);
  sender.ack(key(4, "r4"), 3_001);
  expect(takeAll(sender, 3_001)).toEqual(["3"]);
});

test("a window of no bytes is refused", () => {
  for (const windowBytes of [0, -1, Number.NaN])
    expect(() => new EventWriter({ window: 1, windowBytes, random: noJitter })).toThrow("windowBytes");
});

test("an answer to what nobody has sent does not count", () => {
  const sender = writer(1);
  sender.sentBefore(2);
  offer(sender, [1, { resource: "a" }], [2, { resource: "b" }], [3, { resource: "c" }]);
  expect(takeAll(sender)).toEqual(["1"]);
  // A session before this one may have sent 2, but none can have sent 3.
  expect(sender.ack(key(3, "c"), 1)).toEqual({ kind: "unknown" });
  expect(sender.nack(nack(3, false, "c"), 1)).toEqual({ kind: "unknown" });
  expect(sender.ack(key(2, "b"), 1)).toMatchObject({ kind: "acked", version: 2 });
  sender.ack(key(1, "a"), 1);
  expect(takeAll(sender, 1)).toEqual(["3"]);
  expect(sender.ack(key(3, "c"), 2)).toMatchObject({ kind: "acked", version: 3 });
});

test("what was purged is not sent, wherever it waits, and what is behind it goes on", () => {
  const sender = writer();
  offer(sender, [1], [2], [3], [4, { resource: "b" }], [5, { resource: "c" }]);
  expect(takeAll(sender)).toEqual(["1", "4", "5"]);
  sender.nack(nack(4, true, "b"), 0);
  offer(sender, [6, { resource: "b" }]);
  expect(sender.purge("web_1", new Set([2]))).toBe(0);
  expect(sender.purge("b_1", new Set([4]))).toBe(0);
  expect(takeAll(sender)).toEqual(["6"]);
  sender.ack(key(1), 0);
  expect(takeAll(sender)).toEqual(["3"]);
  expect([sender.held, sender.lowestHeld()]).toEqual([3, 3]);
});

test("all of a resource that waits is purged, and nothing is left of it", () => {
  const sender = writer(1);
  offer(sender, [1], [2, { resource: "b" }], [3, { resource: "b" }]);
  expect(takeAll(sender)).toEqual(["1"]);
  expect(sender.purge("b_1", new Set([2, 3]))).toBe(0);
  expect([sender.turnOf("b_1"), sender.held]).toEqual([undefined, 1]);
  sender.ack(key(1), 0);
  expect([takeAll(sender), sender.heldBytes]).toEqual([[], 0]);
  expect(sender.purge("b_1", new Set([2, 3]))).toBe(0);
});

test("a purged command in flight counts once, keeps its place until its answer is late, and is not sent again", () => {
  const sender = writer(1);
  offer(sender, [1, { resource: "a" }]);
  expect(takeAll(sender)).toEqual(["1"]);
  expect(sender.purge("a_1", new Set([1]))).toBe(1);
  expect(sender.purge("a_1", new Set([1]))).toBe(0);
  offer(sender, [2, { resource: "a" }], [3, { resource: "b" }]);
  expect(takeAll(sender, 2_999)).toEqual([]);
  expect(sender.lowestHeld()).toBe(1);
  expect(takeAll(sender, 3_000)).toEqual(["2"]);
  expect(sender.ack(key(1, "a"), 3_001)).toEqual({ kind: "unknown" });
  expect(sender.nack(nack(1, false, "a"), 3_001)).toEqual({ kind: "unknown" });
  sender.ack(key(2, "a"), 3_002);
  expect(takeAll(sender, 3_002)).toEqual(["3"]);
});

test("with nothing behind it, what was purged in flight leaves when its answer is late", () => {
  const sender = writer(1);
  offer(sender, [1, { resource: "a" }], [2, { resource: "b" }]);
  takeAll(sender);
  sender.purge("a_1", new Set([1]));
  expect(sender.nextWakeAt()).toBe(3_000);
  expect(takeAll(sender, 3_000)).toEqual(["1 gaveWay", "2"]);
  expect([sender.held, sender.inFlight, sender.turnOf("a_1")]).toEqual([1, 1, undefined]);
});

test.each([true, false])(
  "the answer to what was purged in flight lets the next one go, applied or not (%s)",
  (isAck) => {
    const sender = writer();
    offer(sender, [1], [2]);
    takeAll(sender);
    sender.purge("web_1", new Set([1]));
    if (isAck) expect(sender.ack(key(1), 5)).toMatchObject({ kind: "acked", version: 1, superseded: true });
    else expect(sender.nack(nack(1, false), 5)).toEqual({ kind: "superseded", version: 1 });
    expect(takeAll(sender, 5)).toEqual(["2"]);
  },
);

test("what is given up already stays so until its dead letter is settled, purged or not", () => {
  const sender = writer();
  offer(sender, [1], [2]);
  takeAll(sender);
  expect(sender.nack(nack(1, false), 0)).toMatchObject({ kind: "deadLetter" });
  expect(sender.purge("web_1", new Set([1]))).toBe(0);
  expect(takeAll(sender)).toEqual([]);
  sender.deadLetterWritten(1);
  expect(takeAll(sender)).toEqual(["2"]);
});

test.each([
  [
    { version: 7, event: { eventid: undefined } },
    "invalid_eventid",
    'has no eventid and was offered as version 7; it must be "7"',
  ],
  [
    { version: 7, event: { eventid: "8" } },
    "invalid_eventid",
    'has the eventid "8" and was offered as version 7',
  ],
  [{ version: 1.5, event: { eventid: "1.5" } }, "invalid_eventid", "versions are whole numbers from 1"],
  [{ version: 0, event: { eventid: "0" } }, "invalid_eventid", "versions are whole numbers from 1"],
  [{ version: 7, event: { resourceid: "" } }, "missing_resourceid", "has no resourceid"],
  [{ version: 7, event: {}, bytes: Number.NaN }, "invalid_event", "was offered with bytes NaN"],
])("what does not fit is refused by the name of the event and of what is wrong: %j", (wrong, code, words) => {
  const good = deliverable(7, {});
  // What a caller without types may hand in.
  const event = "event" in wrong ? { ...good.event, ...wrong.event } : good.event;
  const offered = { ...good, ...wrong, event } as typeof good;
  const refused = expect.objectContaining({ code, message: expect.stringContaining(words) });
  const sender = writer();
  expect(() => sender.offer(offered)).toThrow(refused);
  expect(() => sender.offerSpilled(offered)).toThrow(refused);
  expect(() => sender.offer(offered)).toThrow(JSON.stringify(good.event.id));
  expect(sender.held).toBe(0);
});

test("what was passed over is not offered behind something newer", () => {
  const sender = writer();
  offer(sender, [1], [5]);
  expect(() => sender.offerSpilled(deliverable(3, {}))).toThrow(
    expect.objectContaining({ code: "invalid_state", event_id: "3" }),
  );
});
