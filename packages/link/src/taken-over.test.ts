import type { EventKey } from "@hawser/protocol";
import { createSharedMemoryEngine, type SharedMemoryClient } from "@hawser/store";
import { createVirtualRuntime, settledIn } from "@hawser/testkit";
import { expect, it } from "vitest";
import type { Delivery, Outcome } from "./delivery.js";
import { Receiver } from "./receiver.js";
import { claim } from "./testing/test-lease.js";
import { command } from "./testing/two-sides.js";

/** One of two principals, and what it does with the events of one agent. */
class Principal {
  readonly applied: string[] = [];
  readonly acked: string[] = [];
  readonly receiver: Receiver;
  readonly #client: SharedMemoryClient;
  /** Handlers that wait for the test, by version. */
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  readonly signals = new Map<number, AbortSignal>();

  constructor(
    name: string,
    client: SharedMemoryClient,
    { runtime }: ReturnType<typeof createVirtualRuntime>,
  ) {
    this.#client = client;
    const apply = ({ version, signal }: Delivery): Promise<Outcome> => {
      this.applied.push(`${name}@${version}`);
      this.signals.set(version, signal);
      return new Promise((resolve) => this.#waiting.set(version, resolve));
    };
    this.receiver = new Receiver({ runtime, peer: "edge-1", apply });
  }

  async attach(): Promise<void> {
    const lease = await claim(this.#client.store, "edge-1", "agent-store");
    const ack = ({ eventid }: EventKey): void => void this.acked.push(eventid);
    const sink = { ack, nack: () => {}, fail: () => {} };
    this.receiver.attach({ peerStore: "agent-store", lease, sink });
  }

  receive(version: number): void {
    this.receiver.receive({ ...command(`r${version}`), eventid: String(version) }, version);
  }

  finish(version: number): void {
    this.#waiting.get(version)?.({ kind: "applied" });
  }
}

it("an agent that goes to another principal and comes back while a handler of the first still runs has nothing applied again (the first had kept its inbox)", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const engine = createSharedMemoryEngine({ runtime: world.runtime });
  const clients = ["a", "b"].map((name) => engine.client(name, { runtime: world.runtime }));
  await settledIn(world, Promise.all(clients.map(({ store }) => store.start())));
  const [a, b] = clients.map((client, index) => new Principal(index === 0 ? "a" : "b", client, world));
  if (a === undefined || b === undefined) throw new Error("two clients make two principals");

  await settledIn(world, a.attach());
  a.receive(1);
  await world.advance(100);
  await settledIn(world, b.attach());
  await world.advance(100);
  b.receive(1);
  b.receive(2);
  await world.advance(100);
  b.finish(1);
  b.finish(2);
  await world.advance(100);
  expect(b.acked).toEqual(["1", "2"]);

  // The ACK of the second was lost with the session at b.
  await settledIn(world, a.attach());
  expect(a.signals.get(1)?.aborted).toBe(true);
  a.receive(1);
  a.receive(2);
  await world.advance(100);
  a.finish(1);
  await world.advance(100);
  expect([...a.applied, ...b.applied]).toEqual(["a@1", "b@1", "b@2"]);
  expect(a.acked).toEqual(["1", "2"]);
  await settledIn(world, Promise.all(clients.map(({ store }) => store.stop())));
});
