import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { defined } from "@hawser/runtime";
import type { ClientCommands, Endpoint, ServerCommands } from "./child-commands.js";
import { Child } from "./child-process.js";
import type { Load, Measurement } from "./closed-loop.js";
import { AGENTS_CORE, PRINCIPAL_CORE } from "./core-pinning.js";

export interface PairOptions extends Endpoint {
  readonly kind: "hawser" | "raw";
  readonly profileDirectory?: string | undefined;
  readonly agentPoolThreads?: number;
  /** Of the principal's or raw server's process. */
  readonly semiSpaceMb?: number;
}

export interface PairMeasurement extends Measurement {
  /** CPU time of the agents' process, all its threads, over all events that went through. */
  readonly agentsCpuUsPerEvent: number;
}

/** Two processes that talk to each other, each on its core. */
export class ProcessPair {
  readonly server: Child<ServerCommands>;
  readonly #clients: Child<ClientCommands>;
  readonly #directory: string;

  private constructor(server: Child<ServerCommands>, clients: Child<ClientCommands>, directory: string) {
    this.server = server;
    this.#clients = clients;
    this.#directory = directory;
  }

  /** Starts both; resolves when every agent is connected. */
  static async start({
    kind,
    profileDirectory,
    agentPoolThreads,
    semiSpaceMb,
    ...endpoint
  }: PairOptions): Promise<ProcessPair> {
    const raw = kind === "raw";
    await mkdir(endpoint.directory, { recursive: true });
    const profile =
      raw || profileDirectory === undefined ? undefined : join(profileDirectory, endpoint.transport);
    const server = new Child<ServerCommands>(raw ? "raw-server" : "principal", {
      core: PRINCIPAL_CORE,
      profileDirectory: profile,
      semiSpaceMb,
    });
    const clients = new Child<ClientCommands>(raw ? "raw-clients" : "agents", {
      core: AGENTS_CORE,
      profileDirectory: profile,
      ...defined({ poolThreads: agentPoolThreads }),
    });
    const pair = new ProcessPair(server, clients, endpoint.directory);
    const { port } = await server.call("start", endpoint);
    await clients.call("start", { ...endpoint, port });
    await server.call("connected", endpoint.agents);
    return pair;
  }

  async measure(load: Load): Promise<PairMeasurement> {
    const before = await this.#clients.call("cpuTime");
    const measurement = await this.server.call("measure", load);
    const spent = (await this.#clients.call("cpuTime")) - before;
    return { ...measurement, agentsCpuUsPerEvent: spent / measurement.events };
  }

  /** What is left to write is written, so that whatever is measured next has both cores. */
  async quiet(): Promise<void> {
    await Promise.all([this.server.call("quiet"), this.#clients.call("quiet")]);
  }

  /** Ends both and, unless something is still to be done with them, removes their stores. */
  async stop({ keepStore = false }: { readonly keepStore?: boolean } = {}): Promise<void> {
    await this.#clients.call("stop");
    await this.server.call("stop");
    await Promise.all([this.server.end(), this.#clients.end()]);
    if (!keepStore) await rm(this.#directory, { recursive: true, force: true });
  }
}
