import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Timers } from "@hawser/runtime";
import { z } from "zod";
import { PrincipalApi } from "./principal-api.js";
import { Service } from "./service.js";

/** The three agents: one per way of speaking. */
export const AGENTS = [
  { name: "edge-json", scheme: "ws", format: "json" },
  { name: "edge-proto", scheme: "ws", format: "proto" },
  { name: "edge-grpc", scheme: "grpc", format: "proto" },
] as const;

const boundSchema = z.object({ host: z.string(), port: z.number() });
const readySchema = z.object({ listen: boundSchema, api: boundSchema });

/** One principal and three agents, each a process of its own with its own directory. */
export class Fleet {
  readonly directory: string;
  readonly principal: Service;
  readonly #timers: Timers;
  #agents: readonly Service[] = [];
  #addresses: z.infer<typeof readySchema> | undefined;

  constructor(directory: string, timers: Timers) {
    this.directory = directory;
    this.#timers = timers;
    this.principal = new Service({
      package: "@hawser/app-principal",
      executable: "hawser-principal.js",
      name: "principal",
      directory,
      timers,
      args: ["--data-dir", join(directory, "principal")],
    });
  }

  get api(): PrincipalApi {
    if (this.#addresses === undefined) throw new Error("the principal has not been started");
    return new PrincipalApi(`http://${this.#addresses.api.host}:${this.#addresses.api.port}`);
  }

  get agents(): readonly Service[] {
    return this.#agents;
  }

  /** Where an agent may write its files. */
  filesOf(agent: string): string {
    return join(this.directory, agent, "files");
  }

  async start(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    await mkdir(this.directory, { recursive: true });
    await this.startPrincipal();
    this.#agents = await Promise.all(AGENTS.map((agent) => this.#startAgent(agent)));
  }

  /** The first start lets the system choose the ports; later ones use the same, as the agents know them. */
  async startPrincipal(): Promise<void> {
    const listen = this.#addresses?.listen.port ?? 0;
    const api = this.#addresses?.api.port ?? 0;
    const args = ["--listen", `127.0.0.1:${listen}`, "--api-listen", `127.0.0.1:${api}`];
    this.#addresses = readySchema.parse(await this.principal.start(args));
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

  async stop(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    await this.principal.stop();
  }

  async #startAgent({ name, scheme, format }: (typeof AGENTS)[number]): Promise<Service> {
    const { host, port } = this.#addresses?.listen ?? { host: "127.0.0.1", port: 0 };
    const files = this.filesOf(name);
    await mkdir(files, { recursive: true });
    const args = [
      "--name",
      name,
      "--url",
      `${scheme}://${host}:${port}`,
      "--data-dir",
      join(this.directory, name, "data"),
    ];
    const service = new Service({
      package: "@hawser/app-agent",
      executable: "hawser-agent.js",
      name,
      directory: this.directory,
      timers: this.#timers,
      args: [...args, "--config-file-root", files, ...(scheme === "ws" ? ["--format", format] : [])],
    });
    await service.start();
    return service;
  }
}
