import { mkdir, rm } from "node:fs/promises";
import { defined, pause, systemClock, systemTimers } from "@hawser/runtime";
import { Child, type Role } from "../child-process.js";
import { AGENTS_CORE, PRINCIPAL_CORE } from "../core-pinning.js";
import type { FleetEvent, FleetReport, FleetStart } from "../fleet/fleet-commands.js";
import type {
  EventLoopLag,
  StormAgentsCommands,
  StormClient,
  StormServerCommands,
  Taken,
} from "./storm-commands.js";

export interface StormWorldOptions {
  readonly client: StormClient;
  readonly agents: number;
  readonly tls: boolean;
  /** Its own; removed in the end. */
  readonly directory: string;
  /** How the agents rotate, where they are ours. */
  readonly rotation?: FleetStart["rotation"];
}

const ROLES: Readonly<Record<StormClient, { readonly server: Role; readonly agents: Role }>> = {
  hawser: { server: "storm/hawser-server", agents: "fleet" },
  naive: { server: "storm/naive-server", agents: "storm/naive-agents" },
  "socket.io": { server: "storm/socket-io-server", agents: "storm/socket-io-agents" },
};

/** As many as one process holds without being what limits. */
const AGENTS_PER_PROCESS = 2_500;
/** 500 a second, the rate a principal admits them at. */
const FEW = 50;
const FEW_EVERY_MS = 100;
const MOST_CONNECTING = 200;
const POLL_MS = 50;

/** One server and its agents, each in processes of their own: the server on one core, all agents on another. */
export class StormWorld {
  readonly #options: StormWorldOptions;
  readonly #fleets: Child<StormAgentsCommands>[] = [];
  #server: Child<StormServerCommands> | undefined;
  #port = 0;

  constructor(options: StormWorldOptions) {
    this.#options = options;
  }

  /** Starts the server, again on the port and the directory it had before. */
  async startServer(): Promise<void> {
    const { client, directory, tls } = this.#options;
    await mkdir(directory, { recursive: true });
    const server = new Child<StormServerCommands>(ROLES[client].server, { core: PRINCIPAL_CORE });
    this.#server = server;
    const { port } = await server.call("start", { port: this.#port, directory, tls });
    this.#port = port;
  }

  /** Starts the agents, no more at once than connect without trouble: their first connection is not the storm. Nearly all are connected when it resolves. */
  async startAgents(deadlineMs: number): Promise<void> {
    const { client, agents, tls, rotation } = this.#options;
    for (let first = 0; first < agents; first += FEW) {
      if (first % AGENTS_PER_PROCESS === 0)
        this.#fleets.push(new Child(ROLES[client].agents, { core: AGENTS_CORE }));
      await this.#fleets.at(-1)?.call("start", {
        first,
        agents: Math.min(FEW, agents - first),
        transports: ["ws-json"],
        port: this.#port,
        tls,
        ...defined({ rotation }),
      });
      await pause(systemTimers, FEW_EVERY_MS);
      const enough = first + FEW - MOST_CONNECTING;
      await this.sessions((open) => open >= enough, deadlineMs);
    }
  }

  /** As a power cut would; resolves when the process is gone. */
  async killServer(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.kill();
  }

  publish(event: { readonly agent: number; readonly data: FleetEvent }): Promise<Taken> {
    return this.#server?.call("publish", event) ?? Promise.reject(new Error("nobody serves"));
  }

  opened(): Promise<readonly number[]> {
    return this.#server?.call("opened") ?? Promise.reject(new Error("nobody serves"));
  }

  lag(): Promise<EventLoopLag> {
    return this.#server?.call("lag") ?? Promise.reject(new Error("nobody serves"));
  }

  /** Agents that have a session now. */
  async open(): Promise<number> {
    const counts = await Promise.all(this.#fleets.map((fleet) => fleet.call("connected")));
    return counts.reduce((all, count) => all + count, 0);
  }

  /** Resolves when the number of open sessions is as it should be. @throws Error when it is not by then */
  async sessions(fits: (open: number) => boolean, deadlineMs: number): Promise<void> {
    const deadline = systemClock.now() + deadlineMs;
    for (;;) {
      const open = await this.open();
      if (fits(open)) return;
      if (systemClock.now() > deadline)
        throw new Error(
          `${this.#options.client}: ${open} of ${this.#options.agents} agents have a session after ${deadlineMs / 1_000} s; give them longer with --deadline-ms`,
        );
      await pause(systemTimers, POLL_MS);
    }
  }

  reports(): Promise<readonly FleetReport[]> {
    return Promise.all(this.#fleets.map((fleet) => fleet.call("report")));
  }

  async latencies(): Promise<readonly number[]> {
    return (await Promise.all(this.#fleets.map((fleet) => fleet.call("latencies")))).flat();
  }

  async reset(): Promise<void> {
    await Promise.all(this.#fleets.map((fleet) => fleet.call("reset")));
  }

  /** Ends every process, whatever state it is in. */
  async close(): Promise<void> {
    await Promise.all([...this.#fleets.map((fleet) => fleet.kill()), this.#server?.kill()]);
    await rm(this.#options.directory, { recursive: true, force: true });
  }
}
