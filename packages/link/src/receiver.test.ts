import { InboxBudget } from "@hawser/delivery";
import { HawserError, type EventKey, type Nack } from "@hawser/protocol";
import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it } from "vitest";
import { Receiver, type Delivery, type Outcome } from "./receiver.js";
import { command } from "./two-sides.test-support.js";

it("leaves no trace in the inbox of a peer's new store of what ends, and begins, between its claim and the attach (after a restart, new events were taken for stale)", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const store = createMemoryStore({ runtime: world.runtime });
  await store.start();
  let finish: (outcome: Outcome) => void = () => {};
  const receiver = new Receiver({
    runtime: world.runtime,
    store: store.inbox,
    peer: "edge-1",
    apply: () =>
      new Promise<Outcome>((resolve) => {
        finish = resolve;
      }),
  });
  const sink = { ack: () => {}, nack: () => {}, failed: () => {} };
  const claim = (peerStore: string) =>
    store.open("edge-1", "test", { peerStore }, { event: () => {}, lost: () => {}, purged: () => 0 });
  await claim("first");
  await receiver.attach("first", sink);
  for (const version of [40, 41]) receiver.receive({ ...command("a"), eventid: String(version) }, version);
  await world.advance(5);
  expect((await store.inbox.load("edge-1")).begun.size).toBe(1);
  await claim("second");
  finish({ kind: "applied" });
  await world.advance(5);
  await receiver.attach("second", sink);
  await world.advance(5);
  expect(await store.inbox.load("edge-1")).toEqual({ settled: 0, applied: new Map(), begun: new Map() });
  expect(receiver.applying).toBe(1);
});

it("answers to the latest session, also where the inbox was loaded slowly for one before it (the latest got no ACK any more)", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const { timers } = world.runtime;
  const store = createMemoryStore({ runtime: world.runtime });
  await store.start();
  const load = store.inbox.load.bind(store.inbox);
  const delaysMs = [50, 10];
  store.inbox.load = async (peer) => {
    const state = await load(peer);
    await new Promise<void>((resolve) => timers.after(delaysMs.shift() ?? 0, resolve));
    return state;
  };
  const receiver = new Receiver({
    runtime: world.runtime,
    store: store.inbox,
    peer: "edge-1",
    apply: () => ({ kind: "applied" }),
  });
  const acked: string[] = [];
  const sinkOf = (session: string) => ({
    ack: ({ eventid }: { readonly eventid: string }) => acked.push(`${session} ${eventid}`),
    nack: () => {},
    failed: () => {},
  });
  const first = sinkOf("first");
  void receiver.attach("store", first);
  void receiver.attach("store", sinkOf("second"));
  await world.advance(100);
  receiver.detach(first);
  receiver.receive({ ...command("a"), eventid: "1" }, 1);
  await world.advance(10);
  expect(acked).toEqual(["second 1"]);
});

it("makes no inbox once it is closed (nobody gave back what its rows took of the room of all)", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const store = createMemoryStore({ runtime: world.runtime });
  await store.start();
  await store.open(
    "edge-1",
    "test",
    { peerStore: "store" },
    { event: () => {}, lost: () => {}, purged: () => 0 },
  );
  await store.inbox.record("edge-1", [{ resourceid: "a_1", version: 7, peerStore: "store" }]);
  let goOn = (): void => {};
  const load = store.inbox.load.bind(store.inbox);
  store.inbox.load = async (peer) => {
    await new Promise<void>((resolve) => (goOn = resolve));
    return load(peer);
  };
  const budget = new InboxBudget();
  const { runtime } = world;
  const apply = (): Outcome => ({ kind: "applied" });
  const receiver = new Receiver({ runtime, store: store.inbox, peer: "edge-1", apply, budget });
  const sink = { ack: () => {}, nack: () => {}, failed: () => {} };
  const loaded = receiver.attach("store", sink);
  goOn();
  await loaded;
  expect(budget.heldBytes).toBeGreaterThan(0);
  receiver.close();
  expect(budget.heldBytes).toBe(0);
  await expect(receiver.attach("store", sink)).rejects.toMatchObject({ code: "aborted" });

  const another = new Receiver({ runtime, store: store.inbox, peer: "edge-1", apply, budget });
  const attached = expect(another.attach("store", sink)).rejects.toMatchObject({ code: "aborted" });
  another.close();
  goOn();
  await attached;
  expect(budget.heldBytes).toBe(0);
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
  const receiver = new Receiver({ runtime, store: store.inbox, peer: "edge-1", apply });
  const answers: string[] = [];
  const sink = {
    ack: ({ resourceid, eventid }: EventKey) => answers.push(`${resourceid}@${eventid} ACK`),
    nack: ({ resourceid, eventid, code }: Omit<Nack, "type">) =>
      answers.push(`${resourceid}@${eventid} ${code}`),
    failed: ({ code }: HawserError) => answers.push(code),
  };
  await receiver.attach("store", sink);
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
  const receiver = new Receiver({ runtime, store: store.inbox, peer: "edge-1", apply, observer });
  const failures: string[] = [];
  await receiver.attach("store", {
    ack: () => {},
    nack: () => {},
    failed: ({ message }) => failures.push(message),
  });
  receiver.receive({ ...command("a"), eventid: "1" }, 1);
  await world.advance(10);
  expect([receiver.applying, failures]).toEqual([0, ["something was thrown that has no words"]]);
});
