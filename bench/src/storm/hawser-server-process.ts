import { join } from "node:path";
import { createPrincipal, type Principal } from "@hawser/principal";
import { systemClock } from "@hawser/runtime";
import { createJournalStore } from "@hawser/store-journal";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import { agentName } from "../agent-name.js";
import { serveCommands } from "../served-commands.js";
import { SERVER_TLS } from "../tls-files.js";
import { LagMonitor } from "./lag-monitor.js";
import type { StormServerCommands, StormServerStart, Taken } from "./storm-commands.js";
import { stormEvent } from "./storm-event.js";

/** The production principal on a store of its own on disk, with the settings it has when nobody sets any. */
class HawserServer implements StormServerCommands {
  #principal: Principal | undefined;
  readonly #monitor = new LagMonitor();
  readonly #opened: number[] = [];

  async start({ port, directory, tls }: StormServerStart): Promise<{ readonly port: number }> {
    const store = createJournalStore({ directory: join(directory, "principal") });
    await store.start();
    this.#principal = createPrincipal({
      store,
      observer: { link: () => ({ opened: () => void this.#opened.push(systemClock.wallTime()) }) },
      acceptors: [createWebSocketAcceptor(), createGrpcAcceptor()],
      listen: { host: "127.0.0.1", port, ...(tls ? { tls: SERVER_TLS } : {}) },
    });
    const { address } = await this.#principal.start();
    if (address === undefined) throw new Error("the principal is not bound to a port");
    return { port: address.port };
  }

  async publish({ agent, data }: Parameters<StormServerCommands["publish"]>[0]): Promise<Taken> {
    if (this.#principal === undefined) throw new Error("not started");
    await this.#principal.publish(agentName(agent), stormEvent(data));
    return "kept";
  }

  opened(): ReturnType<StormServerCommands["opened"]> {
    return Promise.resolve(this.#opened);
  }

  lag(): ReturnType<StormServerCommands["lag"]> {
    return Promise.resolve(this.#monitor.read());
  }
}

serveCommands(new HawserServer());
