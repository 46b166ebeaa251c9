import { join } from "node:path";
import { createPrincipal, type Principal } from "@hawser/principal";
import { createPrincipalMetrics, type PrincipalMetrics } from "@hawser/metrics";
import { createApiServer } from "@hawser/principal-api";
import { systemRuntime, type Lifecycle } from "@hawser/runtime";
import type { Store } from "@hawser/store";
import { createJournalStore } from "@hawser/store-journal";
import { createWebSocketAcceptor } from "@hawser/transport-ws";
import { fillMailboxes } from "../fill-mailboxes.js";
import { serveCommands } from "../served-commands.js";
import { LagMonitor } from "../storm/lag-monitor.js";
import type { ApiServerCommands, ApiServerStart, MetricKind } from "./api-commands.js";

const HOST = "127.0.0.1";
/** The gate is not what is measured. */
const OPEN_DOOR = { ratePerSecond: 10_000, burst: 10_000, rampMs: 0 };

/** The production principal with many agents that are away, and its API once for each kind of metrics. */
class ApiServerProcess implements ApiServerCommands {
  readonly #parts: Lifecycle<unknown>[] = [];
  #lag = new LagMonitor();

  async start({ directory, known }: ApiServerStart): ReturnType<ApiServerCommands["start"]> {
    const runtime = systemRuntime();
    const store: Store = createJournalStore({ directory: join(directory, "principal"), runtime });
    await store.start();
    const principal = createPrincipal({
      store,
      runtime,
      acceptors: [createWebSocketAcceptor()],
      listen: { host: HOST, port: 0, admission: OPEN_DOOR },
      stop: { windowMs: 100 },
    });
    const { address } = await principal.start();
    if (address === undefined) throw new Error("the principal is not bound to a port");
    this.#parts.push(store, principal);
    const apiPorts = {
      default: await this.#serve(principal, createPrincipalMetrics()),
      all: await this.#serve(principal, createPrincipalMetrics({ maxAgents: 2 * known, process: false })),
      none: await this.#serve(principal, createPrincipalMetrics({ perAgent: false, process: false })),
    } satisfies Record<MetricKind, number>;
    await fillMailboxes(principal, { agents: known, events: known });
    return { agentsPort: address.port, apiPorts };
  }

  async #serve(principal: Principal, metrics: PrincipalMetrics): Promise<number> {
    principal.observe(metrics.observer);
    metrics.watch(principal);
    const api = createApiServer({ host: HOST, port: 0, principal, metrics });
    const { port } = await api.start();
    this.#parts.push(api);
    return port;
  }

  lag(): ReturnType<ApiServerCommands["lag"]> {
    const lag = this.#lag.read();
    this.#lag = new LagMonitor();
    return Promise.resolve(lag);
  }

  async stop(): Promise<void> {
    for (const part of this.#parts.toReversed()) await part.stop();
  }
}

serveCommands(new ApiServerProcess());
