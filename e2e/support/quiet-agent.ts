import { systemRuntime } from "@hawser/runtime";
import { createAgent, type Agent } from "@hawser/agent";
import { createMemoryStore, type Store } from "@hawser/store";
import type { Dialer } from "@hawser/transport";

/** An agent of the product in this process that takes whatever comes, and remembers the ids of it. */
export class QuietAgent {
  /** How often each event was handled. */
  readonly handled = new Map<string, number>();
  readonly #agent: Agent;
  readonly #store: Store;

  private constructor(name: string, store: Store, dialer: Dialer) {
    this.#store = store;
    this.#agent = createAgent({
      runtime: systemRuntime(),
      name,
      store,
      dialer,
      onEvent: ({ event: { id } }) => {
        this.handled.set(id, (this.handled.get(id) ?? 0) + 1);
      },
    });
  }

  static async start(name: string, dialer: Dialer): Promise<QuietAgent> {
    const store = createMemoryStore();
    await store.start();
    const quiet = new QuietAgent(name, store, dialer);
    await quiet.#agent.start();
    return quiet;
  }

  get isConnected(): boolean {
    return this.#agent.state.kind === "connected";
  }

  async stop(): Promise<void> {
    await this.#agent.stop();
    await this.#store.stop();
  }
}
