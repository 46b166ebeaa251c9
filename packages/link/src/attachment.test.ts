import { InboxBudget } from "@hawser/delivery";
import { createMemoryStore, type Store } from "@hawser/store";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport } from "@hawser/transport";
import { expect, it } from "vitest";
import { attach, type Attachment, type AttachmentHost } from "./attachment.js";
import type { Outcome } from "./delivery.js";
import type { ReplySink } from "./event-answers.js";
import { Receiver } from "./receiver.js";
import { claim } from "./testing/test-lease.js";
import { command } from "./testing/two-sides.js";

const SILENT: ReplySink = { ack: () => {}, nack: () => {}, fail: () => {} };

/** Attaches as a principal does for a session with `edge-1`, whose store is called "store". */
class Attaching {
  readonly world: VirtualRuntime = createVirtualRuntime({ seed: 1 });
  readonly store: Store = createMemoryStore({ runtime: this.world.runtime });

  async attach(
    receiver: Receiver,
    replies: ReplySink = SILENT,
    isWanted = (): boolean => true,
  ): Promise<Attachment | undefined> {
    const { runtime } = this.world;
    const transport = createMemoryTransport({ timers: runtime.timers });
    await transport.acceptor.start(() => {});
    const connection = await transport.dialer.dial();
    const host: AttachmentHost = {
      replies,
      ready: () => {},
      fail: (error) => {
        throw error;
      },
      isWanted,
      leaseLost: () => {},
    };
    return attach(
      { runtime, connection, store: this.store, source: "test", window: 16, onEnded: () => {} },
      {
        role: "principal",
        peer: { name: "edge-1", receiver },
        peerStore: "store",
        peerKnown: undefined,
        peerWindow: 16,
        peerWindowBytes: undefined,
        sessionId: "session",
        peerSoftware: "test",
      },
      host,
    );
  }
}

it("answers to the latest session, also where the inbox was loaded slowly for one before it (the latest got no ACK any more)", async () => {
  const attaching = new Attaching();
  const { world, store } = attaching;
  const { timers } = world.runtime;
  await store.start();
  const open = store.open.bind(store);
  const delaysMs = [50, 10];
  store.open = async (...claim) => {
    const lease = await open(...claim);
    await new Promise<void>((resolve) => timers.after(delaysMs.shift() ?? 0, resolve));
    return lease;
  };
  const receiver = new Receiver({
    runtime: world.runtime,
    peer: "edge-1",
    apply: () => ({ kind: "applied" }),
  });
  const acked: string[] = [];
  const sinkOf = (session: string): ReplySink => ({
    ...SILENT,
    ack: ({ eventid }) => acked.push(`${session} ${eventid}`),
  });
  const first = attaching.attach(receiver, sinkOf("first"));
  const second = attaching.attach(receiver, sinkOf("second"));
  await world.advance(100);
  expect(await first).toBeUndefined();
  expect(await second).toBeDefined();
  receiver.receive({ ...command("a"), eventid: "1" }, 1);
  await world.advance(10);
  expect(acked).toEqual(["second 1"]);
});

it("makes no inbox once the receiver is closed (nobody gave back what its rows took of the room of all)", async () => {
  const attaching = new Attaching();
  const { world, store } = attaching;
  await store.start();
  const before = await claim(store, "edge-1", "store");
  await before.record([{ resourceid: "a_1", version: 7, peerStore: "store" }]);
  let goOn = (): void => {};
  const open = store.open.bind(store);
  store.open = async (...claiming) => {
    await new Promise<void>((resolve) => (goOn = resolve));
    return open(...claiming);
  };
  const budget = new InboxBudget();
  const { runtime } = world;
  const apply = (): Outcome => ({ kind: "applied" });
  const receiver = new Receiver({ runtime, peer: "edge-1", apply, budget });
  const loaded = attaching.attach(receiver);
  await world.advance(10);
  goOn();
  await loaded;
  expect(budget.heldBytes).toBeGreaterThan(0);
  receiver.close();
  expect(budget.heldBytes).toBe(0);
  const late = expect(attaching.attach(receiver)).rejects.toMatchObject({ code: "aborted" });
  await world.advance(10);
  goOn();
  await late;

  const another = new Receiver({ runtime, peer: "edge-1", apply, budget });
  const attached = expect(attaching.attach(another)).rejects.toMatchObject({ code: "aborted" });
  await world.advance(10);
  another.close();
  goOn();
  await attached;
  expect(budget.heldBytes).toBe(0);
});

it("gives the mailbox back where the session ended meanwhile, and leaves the receiver alone", async () => {
  const attaching = new Attaching();
  const { world, store } = attaching;
  await store.start();
  const receiver = new Receiver({
    runtime: world.runtime,
    peer: "edge-1",
    apply: () => ({ kind: "applied" }),
  });
  let isWanted = true;
  const open = store.open.bind(store);
  store.open = async (...claiming) => {
    isWanted = false;
    return open(...claiming);
  };
  const attached = attaching.attach(receiver, SILENT, () => isWanted);
  await world.advance(10);
  expect(await attached).toBeUndefined();
  expect(await store.totals()).toMatchObject({ held: 0 });
  expect(() => receiver.settle(1)).toThrow("before attach");
});
