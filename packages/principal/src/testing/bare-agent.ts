import { AgentLink, knownStore, Receiver, type Outcome } from "@hawser/link";
import type { KnownStore } from "@hawser/protocol";
import { AgentSession, type SessionEnd } from "@hawser/session";
import { createMemoryDisk, createMemoryStore, type Store } from "@hawser/store";
import type { VirtualRuntime } from "@hawser/testkit";
import type { MemoryTransport } from "@hawser/transport";

/** An agent that is nothing but a store and links. */
export class BareAgent {
  readonly name: string;
  readonly store: Store;
  /** How its sessions ended, oldest first. */
  readonly ends: SessionEnd[] = [];
  /** Events its handler was given, as `resourceid@eventid`. */
  readonly handled: string[] = [];
  handler: () => Promise<Outcome> | Outcome = () => ({ kind: "applied" });
  readonly #world: VirtualRuntime;
  readonly #transport: MemoryTransport;
  readonly #receiver: Receiver;

  constructor(world: VirtualRuntime, transport: MemoryTransport, name = "edge-1", disk = createMemoryDisk()) {
    const { runtime } = world;
    this.name = name;
    this.#world = world;
    this.#transport = transport;
    this.store = createMemoryStore({ disk, runtime });
    this.#receiver = new Receiver({
      runtime,
      peer: "principal",
      apply: ({ event }) => {
        this.handled.push(`${event.resourceid}@${event.eventid}`);
        return this.handler();
      },
    });
  }

  /** @param claim what it says of the principal's store, if not the truth */
  async connect(claim?: KnownStore): Promise<AgentLink> {
    const { runtime } = this.#world;
    const known = claim ?? knownStore(await this.store.standing("principal"));
    const dialled = this.#transport.dialer.dial();
    await this.#world.advance(1);
    const link = new AgentLink({
      runtime,
      connection: await dialled,
      session: new AgentSession({
        agent: this.name,
        store: this.store.id,
        window: 8,
        software: "test",
        random: runtime.random,
        ...(known === undefined ? {} : { known }),
      }),
      store: this.store,
      source: "test/agent",
      window: 8,
      peer: { name: "principal", receiver: this.#receiver },
      onEnded: (end) => this.ends.push(end),
    });
    link.start();
    await this.#world.advance(10);
    return link;
  }
}
