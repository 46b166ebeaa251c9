import { join } from "node:path";
import { createAgent, type Agent } from "@hawser/agent";
import type { Store } from "@hawser/store";
import { createLevelStore } from "@hawser/store-level";
import type { Dialer } from "@hawser/transport";
import { createGrpcDialer } from "@hawser/transport-grpc";
import { createWebSocketDialer } from "@hawser/transport-ws";
import { agentName } from "./agent-name.js";
import type { ClientCommands, TransportName } from "./child-commands.js";
import { cpuTime, quiet, serveCommands } from "./served-commands.js";

function dialerFor(transport: TransportName, port: number): Dialer {
  switch (transport) {
    case "ws-json":
      return createWebSocketDialer({ url: `ws://127.0.0.1:${port}`, subprotocol: "cloudevents.json" });
    case "ws-proto":
      return createWebSocketDialer({ url: `ws://127.0.0.1:${port}`, subprotocol: "cloudevents.proto" });
    case "grpc":
      return createGrpcDialer({ target: `127.0.0.1:${port}` });
  }
}

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
      const store = createLevelStore({ directory: join(directory, name) });
      await store.start();
      const agent = createAgent({
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
