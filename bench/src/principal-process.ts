import { join } from "node:path";
import { createPrincipal, type Principal } from "@hawser/principal";
import { systemClock, systemTimers } from "@hawser/runtime";
import type { Store } from "@hawser/store";
import { createJournalStore } from "@hawser/store-journal";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import { agentName } from "./agent-name.js";
import type { ServerCommands } from "./child-commands.js";
import { ClosedLoop } from "./closed-loop.js";
import { fillMailboxes } from "./fill-mailboxes.js";
import { readMemory } from "./read-memory.js";
import { EventSource } from "./payload.js";
import { quiet, serveCommands } from "./served-commands.js";

/** The production principal on its own store; the publisher is in the same process, as an application that embeds it would be. */
class PrincipalProcess implements ServerCommands {
  #store: Store | undefined;
  #principal: Principal | undefined;
  #loop: ClosedLoop | undefined;
  #connected = 0;
  #onConnected: () => void = () => {};

  async start({
    agents,
    maxWindow,
    directory,
  }: Parameters<ServerCommands["start"]>[0]): Promise<{ port: number }> {
    const store = createJournalStore({ directory: join(directory, "principal") });
    await store.start();
    const sources = Array.from({ length: agents }, () => new EventSource(maxWindow));
    const starts = Array.from({ length: agents }, () => new Map<number, number>());
    const names = Array.from({ length: agents }, (_, agent) => agentName(agent));
    const numbers = new Map(names.map((name, agent) => [name, agent]));
    const principal = createPrincipal({
      store,
      acceptors: [createWebSocketAcceptor(), createGrpcAcceptor()],
      listen: { host: "127.0.0.1", port: 0 },
      stop: { windowMs: 100 },
      observer: {
        link: (name) => {
          const agent = numbers.get(name) ?? 0;
          return {
            opened: () => {
              this.#connected += 1;
              this.#onConnected();
            },
            acked: ({ version }) => {
              const startedAt = starts[agent]?.get(version);
              if (startedAt === undefined) return;
              starts[agent]?.delete(version);
              this.#loop?.acked(agent, startedAt);
            },
          };
        },
      },
    });
    this.#loop = new ClosedLoop(agents, (agent) => {
      const name = names[agent];
      const event = sources[agent]?.next();
      if (event === undefined || name === undefined) return;
      const startedAt = systemClock.now();
      principal.publish(name, event).then(
        ({ eventid }) => void starts[agent]?.set(Number(eventid), startedAt),
        (thrown: unknown) => {
          // A closed loop that lost an event would measure a smaller window than it says.
          systemTimers.soon(() => {
            throw thrown;
          });
        },
      );
    });
    const { address } = await principal.start();
    if (address === undefined) throw new Error("the principal is not bound to a port");
    this.#store = store;
    this.#principal = principal;
    return { port: address.port };
  }

  connected(agents: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onConnected = () => {
        if (this.#connected >= agents) resolve();
      };
      this.#onConnected();
    });
  }

  measure(load: Parameters<ServerCommands["measure"]>[0]): ReturnType<ServerCommands["measure"]> {
    if (this.#loop === undefined) throw new Error("not started");
    return this.#loop.run(load);
  }

  quiet = quiet;
  memory = readMemory;

  fill(backlog: Parameters<ServerCommands["fill"]>[0]): ReturnType<ServerCommands["fill"]> {
    if (this.#principal === undefined) throw new Error("not started");
    return fillMailboxes(this.#principal, backlog);
  }

  async stop(): Promise<void> {
    await this.#principal?.stop();
    await this.#store?.stop();
  }
}

serveCommands(new PrincipalProcess());
