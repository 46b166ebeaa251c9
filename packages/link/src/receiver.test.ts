import { HawserError, type EventKey, type Nack } from "@hawser/protocol";
import {
  createMemoryStore,
  type MailboxLease,
  type Recorded,
  type RecordResult,
  type Store,
} from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it } from "vitest";
import type { Delivery, Outcome } from "./delivery.js";
import type { ReplySink } from "./event-answers.js";
import { Receiver } from "./receiver.js";
import { claim, TestLease } from "./testing/test-lease.js";
import { command } from "./testing/two-sides.js";

async function attach(
  receiver: Receiver,
  store: Store,
  peerStore: string,
  sink: ReplySink,
): Promise<MailboxLease> {
  const lease = await claim(store, "edge-1", peerStore);
  receiver.attach({ peerStore, lease, sink });
  return lease;
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
  await attach(receiver, store, "first", sink);
  for (const version of [40, 41]) receiver.receive({ ...command("a"), eventid: String(version) }, version);
  await world.advance(5);
  expect((await claim(store, "edge-1", "first")).inbox.begun.size).toBe(1);
  const lease = await claim(store, "edge-1", "second");
  finish({ kind: "applied" });
  await world.advance(5);
  receiver.attach({ peerStore: "second", lease, sink });
  await world.advance(5);
  const empty = { settled: 0, applied: new Map(), begun: new Map() };
  expect((await claim(store, "edge-1", "second")).inbox).toEqual(empty);
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
  const first = await claim(store, "edge-1", "store");
  const second = await claim(store, "edge-1", "store");
  receiver.attach({ peerStore: "store", lease: first, sink });
  receiver.receive({ ...command("a"), eventid: "1" }, 1);
  await world.advance(10);
  receiver.attach({ peerStore: "store", lease: second, sink });
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

/** A lease whose records are refused once `isTaken`, and what was recorded by it. */
class FencedLease extends TestLease {
  isTaken = false;
  readonly versions: number[] = [];
  override readonly continues: boolean;

  constructor(continues: boolean) {
    super();
    this.continues = continues;
  }

  override async record(batch: readonly Recorded[]): Promise<RecordResult> {
    if (this.isTaken) throw new HawserError("superseded", "another process has the mailbox");
    this.versions.push(...batch.map(({ version }) => version));
    return { recorded: this.versions.length, discarded: [] };
  }
}

/** A receiver whose handlers end when the test says so, and what it answered. */
function heldReceiver() {
  const world = createVirtualRuntime({ seed: 1 });
  const running = new Map<number, { finish(): void; readonly delivery: Delivery }>();
  const receiver = new Receiver({
    runtime: world.runtime,
    peer: "edge-1",
    apply: (delivery) =>
      new Promise<Outcome>((resolve) => {
        running.set(delivery.version, { delivery, finish: () => resolve({ kind: "applied" }) });
      }),
  });
  const answers: string[] = [];
  const sink: ReplySink = {
    ack: ({ eventid }) => answers.push(`${eventid} ACK`),
    nack: ({ eventid, code }) => answers.push(`${eventid} ${code}`),
    fail: ({ code }) => answers.push(code),
  };
  const arrives = (version: number): void =>
    receiver.receive({ ...command(`r${version}`), eventid: String(version) }, version);
  return { world, running, receiver, answers, sink, arrives };
}

it("drops what it began where another process has the inbox by then: no ACK, no NACK, and its handlers hear of it", async () => {
  const { world, running, receiver, answers, sink, arrives } = heldReceiver();
  const lease = new FencedLease(false);
  receiver.attach({ peerStore: "store", lease, sink });
  arrives(1);
  arrives(2);
  await world.advance(10);
  lease.isTaken = true;
  running.get(1)?.finish();
  await world.advance(10);
  expect(answers).toEqual([]);
  expect(running.get(2)?.delivery.signal.aborted).toBe(true);
  expect(receiver.applying).toBe(0);
  await receiver.idle();
  arrives(3);
  running.get(2)?.finish();
  await world.advance(10);
  expect([answers, running.has(3), lease.versions]).toEqual([[], false, []]);
});

it("loads its inbox anew where the lease does not continue, and goes on with what it has where it does", async () => {
  const { world, running, receiver, answers, sink, arrives } = heldReceiver();
  receiver.attach({ peerStore: "store", lease: new FencedLease(false), sink });
  arrives(1);
  await world.advance(10);
  const second = new FencedLease(true);
  receiver.attach({ peerStore: "store", lease: second, sink });
  running.get(1)?.finish();
  arrives(2);
  await world.advance(10);
  expect([answers, second.versions]).toEqual([["1 ACK"], [1]]);
  const third = Object.assign(new FencedLease(false), {
    inbox: { settled: 0, applied: new Map([["r3_u1", 3]]), begun: new Map() },
  });
  receiver.attach({ peerStore: "store", lease: third, sink });
  expect(running.get(2)?.delivery.signal.aborted).toBe(true);
  running.get(2)?.finish();
  arrives(3);
  arrives(1);
  await world.advance(10);
  // What another process recorded is a duplicate; what it did not is applied again.
  expect(answers).toEqual(["1 ACK", "3 ACK"]);
  running.get(1)?.finish();
  await world.advance(10);
  expect([answers.at(-1), third.versions]).toEqual(["1 ACK", [1]]);
});

it("tells handlers where the store is out of reach, and takes what they did all the same", async () => {
  const { world, running, receiver, answers, sink, arrives } = heldReceiver();
  receiver.attach({ peerStore: "store", lease: new FencedLease(false), sink });
  arrives(1);
  await world.advance(10);
  receiver.lost("superseded");
  expect(running.get(1)?.delivery.signal.aborted).toBe(false);
  receiver.lost("unreachable");
  expect(running.get(1)?.delivery.signal.aborted).toBe(true);
  running.get(1)?.finish();
  arrives(2);
  await world.advance(10);
  expect(answers).toEqual(["1 ACK"]);
  expect(running.get(2)?.delivery).toMatchObject({ epoch: 1, signal: { aborted: false } });
});
