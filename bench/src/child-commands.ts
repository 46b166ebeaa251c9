import type { Load, Measurement } from "./closed-loop.js";

export type TransportName = "ws-json" | "ws-proto" | "grpc";
export const TRANSPORTS: readonly TransportName[] = ["ws-json", "ws-proto", "grpc"];

/** The bench that a pair of processes runs: the principal's (or the raw server's) end and the end of all agents. */
export interface Endpoint {
  readonly transport: TransportName;
  readonly agents: number;
  readonly maxWindow: number;
  /** For stores; unused by raw transports. */
  readonly directory: string;
}

/** What the parent asks of the sending process, Hawser or raw. Every method answers once it is done. */
export interface ServerCommands {
  start(endpoint: Endpoint): Promise<{ readonly port: number }>;
  /** Resolves once so many agents are connected. */
  connected(agents: number): Promise<void>;
  measure(load: Load): Promise<Measurement>;
  /** Resolves once this process has nothing more to do: no commit, no compaction. */
  quiet(): Promise<void>;
  /** Publishes for agents that never connect. */
  fill(backlog: Backlog): Promise<{ readonly seconds: number }>;
  /** Resident memory now, after a full garbage collection where the process allows it. */
  memory(): Promise<Memory>;
  stop(): Promise<void>;
}

export interface ClientCommands {
  start(endpoint: Endpoint & { readonly port: number }): Promise<void>;
  /** CPU time of this process so far, all its threads, in microseconds. */
  cpuTime(): Promise<number>;
  quiet(): Promise<void>;
  stop(): Promise<void>;
}

export interface Backlog {
  readonly agents: number;
  readonly events: number;
}

export interface Memory {
  readonly rssMb: number;
  readonly rssAfterGcMb: number;
}
