import { join } from "node:path";
import { makeDirectories, type Timers } from "@hawser/runtime";
import { z } from "zod";
import { Service, type ServiceLog } from "./service.js";

/** Three agents: one per way of speaking. */
export const DEMO_AGENTS = [
  { name: "edge-json", scheme: "ws", format: "json" },
  { name: "edge-proto", scheme: "ws", format: "proto" },
  { name: "edge-grpc", scheme: "grpc", format: "proto" },
] as const;

const boundSchema = z.object({ host: z.string(), port: z.number() });
const addressesSchema = z.object({ listen: boundSchema, api: boundSchema });
/** Where the principal serves agents and its HTTP API. */
export type FleetAddresses = z.infer<typeof addressesSchema>;

export interface FleetOptions {
  /** Everything the fleet keeps is below: data, files, ready files. Made if it is not there. */
  readonly directory: string;
  readonly timers: Timers;
  /** What becomes of what the services log. */
  readonly log: ServiceLog;
  /** `host:port` for agents and for the HTTP API; port 0 lets the system choose. @default 127.0.0.1:0 for both */
  readonly listen?: string;
  readonly apiListen?: string;
  /** Flags for the principal, and for every agent, beside those the fleet needs. */
  readonly principalArgs?: readonly string[];
  readonly agentArgs?: readonly string[];
}

const ANY_PORT = "127.0.0.1:0";

/** Three agents come, and those somebody adds: what more would need of the machine is not to be warned of. */
const FOR_A_FEW = ["--max-sessions", "1000", "--max-unauthenticated", "1000"];

/** One principal and three agents, each a process of its own with its own directory. */
export class Fleet {
  readonly directory: string;
  readonly principal: Service;
  readonly #options: FleetOptions;
  #agents: readonly Service[] = [];
  #addresses: FleetAddresses | undefined;

  constructor(options: FleetOptions) {
    this.directory = options.directory;
    this.#options = options;
    this.principal = new Service({
      package: "@hawser/app-principal",
      executable: "hawser-principal.js",
      name: "principal",
      directory: this.directory,
      log: options.log,
      timers: options.timers,
      args: ["--data-dir", join(this.directory, "principal"), ...FOR_A_FEW, ...(options.principalArgs ?? [])],
    });
  }

  get addresses(): FleetAddresses {
    if (this.#addresses === undefined) throw new Error("the principal has not been started");
    return this.#addresses;
  }

  /** Base address of the HTTP API. */
  get server(): string {
    const { host, port } = this.addresses.api;
    return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  /** The file with the token of the HTTP API, once the principal has been started. */
  get apiTokenFile(): string {
    return join(this.directory, "principal", "api-token");
  }

  get agents(): readonly Service[] {
    return this.#agents;
  }

  /** Where an agent may write its files. */
  filesOf(agent: string): string {
    return join(this.directory, agent, "files");
  }

  /** The principal first, then all agents at once. Rejects with what the first to fail said; what was started has to be stopped. */
  async start(): Promise<void> {
    await makeDirectories(this.directory);
    await this.startPrincipal();
    this.#agents = DEMO_AGENTS.map((agent) => this.#agent(agent));
    for (const { name } of DEMO_AGENTS) await makeDirectories(this.filesOf(name));
    await Promise.all(this.#agents.map((agent) => agent.start()));
  }

  /** The first start takes the ports of the options; later ones the same as then, as the agents know them. */
  async startPrincipal(): Promise<void> {
    const { listen = ANY_PORT, apiListen = ANY_PORT } = this.#options;
    const bound = this.#addresses;
    const agents = bound === undefined ? listen : `${bound.listen.host}:${bound.listen.port}`;
    const api = bound === undefined ? apiListen : `${bound.api.host}:${bound.api.port}`;
    this.#addresses = addressesSchema.parse(
      await this.principal.start(["--listen", agents, "--api-listen", api]),
    );
  }

  /** Starts again what died, and answers its name; undefined when all are alive. */
  async revive(): Promise<string | undefined> {
    if (this.principal.diedByItself) {
      await this.startPrincipal();
      return this.principal.name;
    }
    const dead = this.#agents.find((agent) => agent.diedByItself);
    await dead?.start();
    return dead?.name;
  }

  /** Agents first, so that they have somebody to say goodbye to. */
  async stop(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    await this.principal.stop();
  }

  #agent({ name, scheme, format }: (typeof DEMO_AGENTS)[number]): Service {
    const { host, port } = this.addresses.listen;
    const places = [
      "--data-dir",
      join(this.directory, name, "data"),
      "--config-file-root",
      this.filesOf(name),
    ];
    // For trying things out: what the principal here is told, it is told by whoever started it.
    const tasks = ["--task-allow-any-command"];
    const speaks = ["--url", `${scheme}://${host}:${port}`, ...(scheme === "ws" ? ["--format", format] : [])];
    return new Service({
      package: "@hawser/app-agent",
      executable: "hawser-agent.js",
      name,
      directory: this.directory,
      log: this.#options.log,
      timers: this.#options.timers,
      args: ["--name", name, ...speaks, ...places, ...tasks, ...(this.#options.agentArgs ?? [])],
    });
  }
}
