import { systemRuntime } from "@hawser/runtime";
import { join } from "node:path";
import { createAgent, type Agent } from "@hawser/agent";
import type { Store } from "@hawser/store";
import { createJournalStore } from "@hawser/store-journal";
import { agentName } from "./agent-name.js";
import type { ClientCommands } from "./child-commands.js";
import { dialerFor } from "./dialer-for.js";
import { cpuTime, quiet, serveCommands } from "./served-commands.js";

/** Production agents, each with a store of its own, whose handler does nothing: what is measured is the way there. */
class AgentsProcess implements ClientCommands {
  readonly #running: { readonly agent: Agent; readonly store: Store }[] = [];

  async start({
    transport,
    agents,
    maxWindow,
    directory,
    port,
  }: Parameters<ClientCommands["start"]>[0]): Promise<void> {
    for (let number = 0; number < agents; number += 1) {
      const name = agentName(number);
      const store = createJournalStore({ directory: join(directory, name) });
      await store.start();
      const agent = createAgent({
        runtime: systemRuntime(),
        name,
        store,
        dialer: dialerFor(transport, port),
        window: maxWindow,
        onEvent: () => {},
      });
      await agent.start();
      this.#running.push({ agent, store });
    }
  }

  quiet = quiet;
  cpuTime = cpuTime;

  async stop(): Promise<void> {
    await Promise.all(
      this.#running.map(async ({ agent, store }) => {
        await agent.stop({ graceMs: 2_000 });
        await store.stop();
      }),
    );
  }
}

serveCommands(new AgentsProcess());
