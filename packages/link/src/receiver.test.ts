import { HawserError, type EventKey, type Nack } from "@hawser/protocol";
import { createMemoryStore, type Store } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it } from "vitest";
import { inboxOf } from "./attachment.js";
import type { Delivery, Outcome } from "./delivery.js";
import type { ReplySink } from "./event-answers.js";
import { Receiver } from "./receiver.js";
import { command } from "./two-sides.test-support.js";

async function attach(receiver: Receiver, store: Store, peerStore: string, sink: ReplySink): Promise<void> {
  const state = receiver.isLoaded ? undefined : await store.inbox.load("edge-1");
  receiver.attach({ peerStore, inbox: inboxOf(store.inbox, "edge-1"), state, sink });
}

it("leaves no trace in the inbox of a peer's new store of what ends, and begins, between its claim and the attach (after a restart, new events were taken for stale)", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const store = createMemoryStore({ runtime: world.runtime });
  await store.start();
  let finish: (outcome: Outcome) => void = () => {};
  const receiver = new Receiver({
    runtime: world.runtime,
    peer: "edge-1",
    apply: () =>
      new Promise<Outcome>((resolve) => {
        finish = resolve;
      }),
  });
  const sink = { ack: () => {}, nack: () => {}, fail: () => {} };
  const claim = (peerStore: string) =>
    store.open("edge-1", "test", { peerStore }, { event: () => {}, lost: () => {}, purged: () => 0 });
  await claim("first");
  await attach(receiver, store, "first", sink);
  for (const version of [40, 41]) receiver.receive({ ...command("a"), eventid: String(version) }, version);
  await world.advance(5);
  expect((await store.inbox.load("edge-1")).begun.size).toBe(1);
  await claim("second");
  finish({ kind: "applied" });
  await world.advance(5);
  await attach(receiver, store, "second", sink);
  await world.advance(5);
  expect(await store.inbox.load("edge-1")).toEqual({ settled: 0, applied: new Map(), begun: new Map() });
  expect(receiver.applying).toBe(1);
});

it("has one inbox, however many sessions attach at once (a slow load replaced the inbox under running handlers)", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const store = createMemoryStore({ runtime: world.runtime });
  await store.start();
  const receiver = new Receiver({
    runtime: world.runtime,
    peer: "edge-1",
    apply: () => new Promise<Outcome>(() => {}),
  });
  const sink = { ack: () => {}, nack: () => {}, fail: () => {} };
  // Both sessions find a receiver that has loaded nothing.
  const slow = await store.inbox.load("edge-1");
  await attach(receiver, store, "store", sink);
  receiver.receive({ ...command("a"), eventid: "1" }, 1);
  await world.advance(10);
  receiver.attach({ peerStore: "store", inbox: inboxOf(store.inbox, "edge-1"), state: slow, sink });
  await world.advance(100);
  expect(receiver.applying).toBe(1);
});

const WRONG: readonly (readonly [string, () => Promise<Outcome> | Outcome])[] = [
  ["throws what has no words", () => thrown(Object.create(null))],
  ["rejects with what has no words", () => Promise.reject(Object.create(null) as Error)],
  ["comes to no outcome", () => undefined as unknown as Outcome],
  ["comes to an outcome of no kind", () => Promise.resolve({} as Outcome)],
  ["comes to an outcome whose error throws", () => ({ kind: "rejected", error: brokenError() })],
];

function thrown(what: unknown): never {
  throw what;
}

function brokenError(): HawserError {
  return Object.defineProperty(new HawserError("handler_rejected", "x"), "code", {
    get: () => thrown(Object.create(null)),
  });
}

it.each(WRONG)("ends the turn of a resource whose handler %s, and begins the others", async (_, wrong) => {
  const world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const store = createMemoryStore({ runtime });
  await store.start();
  await store.open(
    "edge-1",
    "test",
    { peerStore: "store" },
    { event: () => {}, lost: () => {}, purged: () => 0 },
  );
  let handler = wrong;
  const apply = ({ event }: Delivery): Promise<Outcome> | Outcome =>
    event.resourceid === "wrong_u1" ? handler() : { kind: "applied" };
  const receiver = new Receiver({ runtime, peer: "edge-1", apply });
  const answers: string[] = [];
  const sink = {
    ack: ({ resourceid, eventid }: EventKey) => answers.push(`${resourceid}@${eventid} ACK`),
    nack: ({ resourceid, eventid, code }: Omit<Nack, "type">) =>
      answers.push(`${resourceid}@${eventid} ${code}`),
    fail: ({ code }: HawserError) => answers.push(code),
  };
  await attach(receiver, store, "store", sink);
  const arrives = (resource: string, version: number): void =>
    receiver.receive({ ...command(resource), eventid: String(version) }, version);
  arrives("wrong", 1);
  arrives("right", 2);
  arrives("wrong", 3);
  await world.advance(10);
  expect(receiver.applying).toBe(0);
  expect(answers).toContain("right_u1@2 ACK");
  expect(answers.some((answer) => answer === "wrong_u1@1 handler_failed" || answer === "internal")).toBe(
    true,
  );
  handler = () => ({ kind: "applied" });
  arrives("wrong", 3);
  await world.advance(10);
  expect(answers).toContain("wrong_u1@3 ACK");
});

it("ends a session whose observer throws what has no words (it ended the process, out of a timer)", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const store = createMemoryStore({ runtime });
  await store.start();
  await store.open(
    "edge-1",
    "test",
    { peerStore: "store" },
    { event: () => {}, lost: () => {}, purged: () => 0 },
  );
  const apply = (): Outcome => ({ kind: "discarded" });
  const observer = { skipped: () => thrown(Object.create(null)) };
  const receiver = new Receiver({ runtime, peer: "edge-1", apply, observer });
  const failures: string[] = [];
  await attach(receiver, store, "store", {
    ack: () => {},
    nack: () => {},
    fail: ({ message }) => failures.push(message),
  });
  receiver.receive({ ...command("a"), eventid: "1" }, 1);
  await world.advance(10);
  expect([receiver.applying, failures]).toEqual([0, ["something was thrown that has no words"]]);
});
