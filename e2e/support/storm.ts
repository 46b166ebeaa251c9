import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentName, Child, type FleetCommands, type FleetEvent, type FleetReport } from "@hawser/bench/fleet";
import { pause, systemClock, systemTimers } from "@hawser/runtime";
import { z } from "zod";
import { becomes } from "./eventually.js";
import { PROGRAMS } from "./programs.js";
import { ServiceProcess } from "./service-process.js";
import { readApiToken } from "./test-fleet.js";

const readySchema = z.object({
  listen: z.object({ host: z.string(), port: z.number() }),
  api: z.object({ host: z.string(), port: z.number() }),
});

/** A principal that storms are made of: a real process with its own store. */
export class StormPrincipal {
  readonly process: ServiceProcess;
  port = 0;
  readonly #directory: string;
  #api = "";

  constructor(name: string, directory: string, args: readonly string[], port = 0) {
    this.#directory = join(directory, name);
    this.process = new ServiceProcess({
      name,
      program: PROGRAMS.principal,
      args: [
        `--listen=127.0.0.1:${port}`,
        "--api-listen=127.0.0.1:0",
        `--data-dir=${this.#directory}`,
        ...args,
      ],
      directory,
    });
  }

  async start(extraArgs: readonly string[] = []): Promise<void> {
    const ready = readySchema.parse(await this.process.start(extraArgs));
    this.port = ready.listen.port;
    this.#api = `http://127.0.0.1:${ready.api.port}`;
  }

  /** Whether it calls itself ready; false also when nobody answers. */
  async isReady(): Promise<boolean> {
    return fetch(`${this.#api}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  async publish(agent: string, data: FleetEvent): Promise<boolean> {
    const event = {
      specversion: "1.0",
      id: `storm-${data.n}`,
      source: "/storm",
      type: "com.example.storm",
      resourceid: `job-${data.n}_s`,
      data,
    };
    const answer = await fetch(`${this.#api}/v1/agents/${agent}/events`, {
      method: "POST",
      headers: {
        "content-type": "application/cloudevents+json",
        authorization: `Bearer ${readApiToken(join(this.#directory, "api-token")) ?? ""}`,
      },
      body: JSON.stringify(event),
    }).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => {});
    return answer?.status === 202;
  }
}

/** Agents in processes of their own, principals, and events on their way to them, all on loopback. */
export class Storm {
  readonly directory: string;
  readonly #agents: number;
  readonly #fleets: Child<FleetCommands>[] = [];
  readonly #principals: StormPrincipal[] = [];
  readonly #accepted = new Set<number>();
  #published = 0;
  #publishing: { readonly stop: () => Promise<void> } | undefined;

  private constructor(directory: string, agents: number) {
    this.directory = directory;
    this.#agents = agents;
  }

  static async create(agents: number): Promise<Storm> {
    return new Storm(await mkdtemp(join(tmpdir(), "hawser-storm-")), agents);
  }

  principal(name: string, args: readonly string[], port = 0): StormPrincipal {
    const principal = new StormPrincipal(name, this.directory, args, port);
    this.#principals.push(principal);
    return principal;
  }

  /** Two processes share the agents; half of them come by WebSocket, half by gRPC. */
  async fleet(port: number): Promise<void> {
    const half = Math.ceil(this.#agents / 2);
    for (const first of [0, half]) {
      const fleet = new Child<FleetCommands>("fleet", {});
      this.#fleets.push(fleet);
      const agents = first === 0 ? half : this.#agents - half;
      await fleet.call("start", { first, agents, transports: ["ws-json", "grpc"], port });
    }
  }

  async aim(port: number): Promise<void> {
    await Promise.all(this.#fleets.map((fleet) => fleet.call("aim", { port })));
  }

  async reset(): Promise<void> {
    await Promise.all(this.#fleets.map((fleet) => fleet.call("reset")));
  }

  /** What all of them saw. */
  async report(): Promise<FleetReport> {
    const reports = await Promise.all(this.#fleets.map((fleet) => fleet.call("report")));
    const sum = (of: (report: FleetReport) => number): number =>
      reports.reduce((all, one) => all + of(one), 0);
    return {
      connected: sum(({ connected }) => connected),
      opened: reports.flatMap(({ opened }) => opened),
      applied: reports.flatMap(({ applied }) => applied),
      appliedTwice: sum(({ appliedTwice }) => appliedTwice),
      redelivered: sum(({ redelivered }) => redelivered),
      maxDelayMs: Math.max(...reports.map(({ maxDelayMs }) => maxDelayMs)),
      p99DelayMs: Math.max(...reports.map(({ p99DelayMs }) => p99DelayMs)),
    };
  }

  async allConnected(deadlineMs: number): Promise<void> {
    await becomes(
      `${this.#agents} agents are connected`,
      async () => (await this.report()).connected === this.#agents,
      deadlineMs,
    );
  }

  /** So many events a second, to one agent after the other, until it is stopped. */
  publish(principal: StormPrincipal, perSecond: number): void {
    let going = true;
    const loop = async (): Promise<void> => {
      const began = systemClock.now();
      for (let count = 0; going; count += 1) {
        await this.send(principal, count % this.#agents);
        await pause(systemTimers, Math.max(0, began + (count * 1_000) / perSecond - systemClock.now()));
      }
    };
    const done = loop();
    this.#publishing = {
      stop: () => {
        going = false;
        return done;
      },
    };
  }

  async stopPublishing(): Promise<void> {
    await this.#publishing?.stop();
  }

  /** One event for one agent; true when it was accepted. */
  async send(principal: StormPrincipal, agent: number, slowMs?: number): Promise<boolean> {
    this.#published += 1;
    const n = this.#published;
    const at = systemClock.wallTime();
    const data = slowMs === undefined ? { n, at } : { n, at, slowMs };
    const accepted = await principal.publish(agentName(agent), data);
    if (accepted) this.#accepted.add(n);
    return accepted;
  }

  get accepted(): number {
    return this.#accepted.size;
  }

  /** Accepted and not applied. */
  async missing(): Promise<number> {
    const applied = new Set((await this.report()).applied);
    return [...this.#accepted].filter((n) => !applied.has(n)).length;
  }

  async close(): Promise<void> {
    await this.stopPublishing();
    await Promise.all(this.#fleets.map((fleet) => fleet.end()));
    for (const { process } of this.#principals) await process.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}
