import { systemRuntime } from "@hawser/runtime";
import { createAgent, type Agent } from "@hawser/agent";
import { createPrincipal, type Principal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import { createMemoryTransport } from "@hawser/transport";

/** Few enough to fit a window, enough that one tick serves several. */
const OUTSTANDING = 64;
const AGENT = "edge-1";

/** A principal and an agent in this process, without disk and network: what is left is what an event costs the CPU. */
export class TracedDelivery {
  readonly #principal: Principal;
  readonly #agent: Agent;
  readonly #stores = [createMemoryStore(), createMemoryStore()] as const;
  #handled: () => void = () => {};
  #events = 0;

  constructor() {
    const { acceptor, dialer } = createMemoryTransport();
    const [store, agentStore] = this.#stores;
    this.#principal = createPrincipal({
      store,
      acceptors: [acceptor],
      stop: { windowMs: 0, answerWaitMs: 0 },
    });
    const onEvent = (): void => this.#handled();
    this.#agent = createAgent({ runtime: systemRuntime(), name: AGENT, store: agentStore, dialer, onEvent });
  }

  async start(): Promise<void> {
    for (const store of this.#stores) await store.start();
    await this.#principal.start();
    await this.#agent.start();
  }

  async stop(): Promise<void> {
    await this.#agent.stop();
    await this.#principal.stop();
    for (const store of this.#stores) await store.stop();
  }

  /** CPU time of this process for each of so many events, from `publish` to the end of the handler, in microseconds. */
  async cpuUsPerEvent(events: number): Promise<number> {
    let handled = 0;
    let published = 0;
    const before = process.cpuUsage();
    await new Promise<void>((resolve, reject) => {
      const publish = (): void => {
        if (published === events) return;
        published += 1;
        this.#publish().catch(reject);
      };
      this.#handled = () => {
        handled += 1;
        if (handled === events) resolve();
        else publish();
      };
      for (let count = 0; count < OUTSTANDING; count += 1) publish();
    });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / events;
  }

  #publish(): Promise<unknown> {
    this.#events += 1;
    return this.#principal.publish(AGENT, {
      specversion: "1.0",
      id: String(this.#events),
      source: "/bench",
      type: "com.example.bench",
      resourceid: `r${this.#events % (4 * OUTSTANDING)}_u1`,
      data: { text: "x".repeat(300) },
    });
  }
}
