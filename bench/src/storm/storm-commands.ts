import type { FleetCommands, FleetEvent } from "../fleet/fleet-commands.js";

/** Whose agents, and whose server. */
export type StormClient = "hawser" | "naive" | "socket.io";
export const STORM_CLIENTS: readonly StormClient[] = ["hawser", "naive", "socket.io"];

/** What became of an event when a server took it: on disk, handed to the connection of its agent, or thrown away because the agent had none. */
export type Taken = "kept" | "sent" | "nobody";

export interface EventLoopLag {
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface StormServerStart {
  /** 0 lets the system choose. */
  readonly port: number;
  /** Its own, and outlives it. */
  readonly directory: string;
  readonly tls: boolean;
}

/** What a storm asks of a server, of whatever make. */
export interface StormServerCommands {
  /** Resolves when it listens. */
  start(options: StormServerStart): Promise<{ readonly port: number }>;
  /** One event for one agent. Resolves when the publisher may rest; rejects when the publisher knows that it has to try again. */
  publish(event: { readonly agent: number; readonly data: FleetEvent }): Promise<Taken>;
  /** Unix milliseconds at which this process opened sessions, in order. */
  opened(): Promise<readonly number[]>;
  /** How late the event loop was since the process began. */
  lag(): Promise<EventLoopLag>;
}

/** What a storm asks of a process full of agents, of whatever make. */
export type StormAgentsCommands = Pick<
  FleetCommands,
  "start" | "connected" | "report" | "latencies" | "reset"
>;
