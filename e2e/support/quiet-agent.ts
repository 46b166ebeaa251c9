import { systemRuntime } from "@hawser/runtime";
import { createAgent, type Agent } from "@hawser/agent";
import { createMemoryStore } from "@hawser/store";
import type { Dialer } from "@hawser/transport";

/** An agent of the product in this process that takes whatever comes, and remembers the ids of it. */
export class QuietAgent {
  /** How often each event was handled. */
  readonly handled = new Map<string, number>();
  readonly #agent: Agent;

  private constructor(name: string, dialer: Dialer) {
    this.#agent = createAgent({
      runtime: systemRuntime(),
      name,
      store: createMemoryStore(),
      dialer,
      onEvent: ({ event: { id } }) => {
        this.handled.set(id, (this.handled.get(id) ?? 0) + 1);
      },
    });
  }

  static async start(name: string, dialer: Dialer): Promise<QuietAgent> {
    const quiet = new QuietAgent(name, dialer);
    await quiet.#agent.start();
    return quiet;
  }

  get isConnected(): boolean {
    return this.#agent.state.kind === "connected";
  }

  async stop(): Promise<void> {
    await this.#agent.stop();
  }
}
