import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, onTestFinished } from "vitest";
import { z } from "zod";
import { eventually } from "./eventually.js";
import { PrincipalApi, type AgentAnswer } from "./principal-api.js";
import { PROGRAMS } from "./programs.js";
import { ServiceProcess, type ServiceProcessOptions } from "./service-process.js";

/** The ways of speaking, each over the whole stack. */
export const TRANSPORTS = ["ws-json", "ws-proto", "grpc"] as const;
export type Transport = (typeof TRANSPORTS)[number];

const boundSchema = z.object({ host: z.string(), port: z.number() });
const readySchema = z.object({ listen: boundSchema, api: boundSchema, health: boundSchema.optional() });

/** Lines of each log that are shown when a test fails. */
const SHOWN_LOG_LINES = 40;
/** How often a principal is started again whose port is taken: a dial to a port nobody listens on may connect to itself for a moment. */
const MAX_START_RETRIES = 20;

export interface AgentOptions {
  readonly transport?: Transport;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The processes and files of one test, or of one file of tests. */
export class TestFleet {
  readonly directory: string;
  readonly principal: ServiceProcess;
  readonly #services: ServiceProcess[] = [];
  readonly #cleanups: (() => Promise<void>)[] = [];
  #addresses: z.infer<typeof readySchema> | undefined;

  constructor(
    directory: string,
    principalArgs: readonly string[],
    principalEnv: Readonly<Record<string, string>> = {},
  ) {
    this.directory = directory;
    this.principal = this.service({
      name: "principal",
      program: PROGRAMS.principal,
      args: ["--data-dir", this.path("principal"), ...principalArgs],
      env: principalEnv,
    });
  }

  get api(): PrincipalApi {
    const { host, port } = this.#bound.api;
    return new PrincipalApi(`http://${host}:${port}`, readApiToken(this.apiTokenFile));
  }

  /** Where the principal keeps the token of its API, unless the test named another place. */
  get apiTokenFile(): string {
    return this.path("principal", "api-token");
  }

  /** Where agents connect. */
  get listen(): z.infer<typeof boundSchema> {
    return this.#bound.listen;
  }

  /** Where its API listens. */
  get apiListen(): z.infer<typeof boundSchema> {
    return this.#bound.api;
  }

  /** Where it answers for its health, if a port of its own was asked for. */
  get health(): z.infer<typeof boundSchema> {
    if (this.#bound.health === undefined) throw new Error("the principal was not told --health-listen");
    return this.#bound.health;
  }

  get address(): string {
    return `${this.listen.host}:${this.listen.port}`;
  }

  get #bound(): z.infer<typeof readySchema> {
    if (this.#addresses === undefined) throw new Error("the principal has not been started");
    return this.#addresses;
  }

  path(...names: readonly string[]): string {
    return join(this.directory, ...names);
  }

  /** Something to undo at the end, after all processes are gone. */
  atEnd(cleanup: () => Promise<void>): void {
    this.#cleanups.push(cleanup);
  }

  service(options: Omit<ServiceProcessOptions, "directory">): ServiceProcess {
    const service = new ServiceProcess({ ...options, directory: this.directory });
    this.#services.push(service);
    return service;
  }

  /** The first start lets the system choose the ports; later ones use the same, as the agents know them. */
  async startPrincipal(): Promise<void> {
    const { listen, api } = this.#addresses ?? { listen: { port: 0 }, api: { port: 0 } };
    const args = ["--listen", `127.0.0.1:${listen.port}`, "--api-listen", `127.0.0.1:${api.port}`];
    for (let retries = 0; ; retries += 1) {
      try {
        this.#addresses = readySchema.parse(await this.principal.start(args));
        return;
      } catch (thrown) {
        const lastLine = (await this.principal.logText()).trimEnd().split("\n").at(-1) ?? "";
        if (!lastLine.includes("in use") || retries >= MAX_START_RETRIES) throw thrown;
      }
    }
  }

  /** The agent service, with the files it writes below `<name>/files`. */
  async agent(
    name: string,
    { transport = "ws-json", args = [], env = {} }: AgentOptions = {},
  ): Promise<ServiceProcess> {
    await mkdir(this.path(name, "files"), { recursive: true });
    const scheme = transport === "grpc" ? "grpc" : "ws";
    const format = transport === "ws-proto" ? "proto" : "json";
    const own = ["--name", name, "--url", `${scheme}://${this.address}`, "--format", format];
    const places = ["--data-dir", this.path(name, "data"), "--config-file-root", this.path(name, "files")];
    return this.service({ name, program: PROGRAMS.agent, args: [...own, ...places, ...args], env });
  }

  /** The agent that writes a journal, to `<name>/journal`. */
  async journalAgent(
    name: string,
    { transport = "ws-json", args = [] }: AgentOptions = {},
  ): Promise<ServiceProcess> {
    await mkdir(this.path(name), { recursive: true });
    const own = ["--name", name, "--address", this.address, "--transport", transport];
    const places = ["--data-dir", this.path(name, "data"), "--journal", this.path(name, "journal")];
    return this.service({ name, program: PROGRAMS.journalAgent, args: [...own, ...places, ...args] });
  }

  /** The agent once it has a session. */
  connected(
    name: string,
    deadlineMs?: number,
  ): Promise<AgentAnswer & { session: { id: string; epoch: number } }> {
    const probe = async (): Promise<
      (AgentAnswer & { session: { id: string; epoch: number } }) | undefined
    > => {
      const agent = await this.api.agent(name);
      if (agent.state !== "connected" || agent.session === undefined) throw new Error(agent.reason);
      return { ...agent, session: agent.session };
    };
    return eventually(`${name} is connected`, probe, deadlineMs);
  }

  async printLogs(): Promise<void> {
    for (const service of this.#services) {
      const lines = (await service.logText()).trimEnd().split("\n");
      console.error(`--- ${service.name}\n${lines.slice(-SHOWN_LOG_LINES).join("\n")}`);
    }
  }

  async end(): Promise<void> {
    // Agents first: they stop what they run, and have somebody to say goodbye to.
    const [principal, ...others] = this.#services;
    await Promise.all(others.map((service) => service.stop()));
    await principal?.stop();
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** The token that a principal made for itself; undefined where it has none. */
export function readApiToken(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}

/** A fleet for the test that is running. */
export async function createTestFleet(
  principalArgs: readonly string[] = [],
  principalEnv: Readonly<Record<string, string>> = {},
): Promise<TestFleet> {
  const fleet = new TestFleet(await mkdtemp(join(tmpdir(), "hawser-e2e-")), principalArgs, principalEnv);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === "fail") await fleet.printLogs();
    await fleet.end();
  });
  return fleet;
}

/** A fleet that all tests of a `describe` share; call it in a `beforeAll`. */
export async function createSharedFleet(principalArgs: readonly string[] = []): Promise<TestFleet> {
  return new TestFleet(await mkdtemp(join(tmpdir(), "hawser-e2e-")), principalArgs);
}

/** Shows the logs of a shared fleet when a test fails, and ends it after the last. Call it in the `describe`. */
export function watchSharedFleet(fleet: () => TestFleet | undefined): void {
  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => fleet()?.printLogs());
  });
  afterAll(() => fleet()?.end());
}
