import { HawserError } from "@hawser/protocol";
import { createMemoryStore, type Store } from "@hawser/store";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport } from "@hawser/transport";
import { expect, it } from "vitest";
import { createPrincipal } from "../create-principal.js";
import { BareAgent } from "../testing/bare-agent.js";

/** A mailbox takes long to be given up, and longer to be opened. */
function slow(store: Store, world: VirtualRuntime): Store {
  const open = store.open.bind(store);
  store.open = async (...claim) => {
    const lease = await open(...claim);
    await new Promise<void>((resolve) => world.runtime.timers.after(80, resolve));
    const close = lease.close.bind(lease);
    lease.close = async () => {
      await close();
      await new Promise<void>((resolve) => world.runtime.timers.after(50, resolve));
    };
    return lease;
  };
  return store;
}

it("keeps the inbox of an agent that is back before its old session is through with its end (two handlers ran for one resource)", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const transport = createMemoryTransport({ timers: runtime.timers });
  const store = slow(createMemoryStore({ runtime }), world);
  const agent = new BareAgent(world, transport);
  await Promise.all([store.start(), agent.store.start()]);
  let running = 0;
  const principal = createPrincipal({
    store,
    acceptors: [transport.acceptor],
    runtime,
    onEvent: () => {
      running += 1;
      return new Promise<void>(() => {});
    },
  });
  await principal.start();
  const first = await agent.connect();
  await world.advance(100);
  first.goodbye("rotation");
  await world.advance(10);
  const second = await agent.connect();
  await world.advance(100);
  const event = {
    specversion: "1.0",
    id: "1",
    source: "test",
    type: "test.command",
    resourceid: "a_1",
  } as const;
  void agent.store.append([{ peer: "principal", event }]);
  await world.advance(100);
  second.connection.terminate(new HawserError("connection_closed", "cut"));
  await world.advance(100);
  await agent.connect();
  await world.advance(300);
  expect(running).toBe(1);
});

it("leaves nothing in memory of an agent that goes before its mailbox is open", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const transport = createMemoryTransport({ timers: runtime.timers });
  const store = slow(createMemoryStore({ runtime }), world);
  const agent = new BareAgent(world, transport);
  await Promise.all([store.start(), agent.store.start()]);
  const uses: string[] = [];
  const open = store.open.bind(store);
  store.open = async (peer, ...claim) => {
    const lease = await open(peer, ...claim);
    const use = lease.use.bind(lease);
    lease.use = () => {
      uses.push(peer);
      return use();
    };
    return lease;
  };
  const principal = createPrincipal({ store, acceptors: [transport.acceptor], runtime });
  await principal.start();
  const first = await agent.connect();
  first.connection.terminate(new HawserError("connection_closed", "cut"));
  await world.advance(500);
  expect([agent.ends.length, uses]).toEqual([1, []]);
  await agent.connect();
  await world.advance(500);
  expect([agent.ends.length, uses]).toEqual([1, ["edge-1"]]);
});
